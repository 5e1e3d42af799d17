import type { Camera, Site } from "../api/types";
import { summarise, STALE_AFTER_MS, type FeedState } from "../state/feed";
import { isPast } from "../state/filters";
import { strings } from "../strings";
import { ageWords, FUTURE_TOLERANCE_MS } from "../time/words";
import { siteTimeAt, zoneAbbreviation } from "../time/zone";
import { Logo, PauseIcon, PlayIcon, SignOutIcon, WarnIcon } from "./icons";
import { useTicking } from "./ticker";

/** Whoever is signed in; null where a site asks for no sign-in. */
export interface Account {
  who: string;
  onSignOut: () => void;
}

interface Props {
  site: Site | null;
  feed: FeedState | null;
  cameras: readonly Camera[];
  account: Account | null;
  serverNow: () => number;
  onPause: (paused: boolean) => void;
}

export function Header({ site, feed, cameras, account, serverNow, onPause }: Props) {
  return (
    <div class="header-row">
      <Logo />
      <div class="header-name">
        <h1>{site?.name ?? strings.product}</h1>
        {site && <SiteClock zone={site.time_zone} serverNow={serverNow} />}
      </div>
      {feed && <Status feed={feed} cameras={cameras} serverNow={serverNow} />}
      {feed && (
        <button
          type="button"
          class="button button-quiet pause"
          aria-label={feed.paused ? strings.status.resume : strings.status.pause}
          title={feed.paused ? strings.status.resumeTitle : strings.status.pauseTitle}
          onClick={() => onPause(!feed.paused)}
        >
          {feed.paused ? <PlayIcon /> : <PauseIcon />}
          <span class="pause-word">{feed.paused ? strings.status.resume : strings.status.pause}</span>
        </button>
      )}
      {account && (
        <>
          <p class="who" title={account.who}>
            <span class="who-words">{strings.signIn.signedInAs} </span>
            {account.who}
          </p>
          <button
            type="button"
            class="button button-quiet sign-out"
            aria-label={strings.signIn.signOut}
            title={strings.signIn.signOut}
            onClick={account.onSignOut}
          >
            <SignOutIcon />
            <span class="sign-out-word">{strings.signIn.signOut}</span>
          </button>
        </>
      )}
    </div>
  );
}

function SiteClock({ zone, serverNow }: { zone: string; serverNow: () => number }) {
  const time = useTicking(() => siteTimeAt(serverNow(), zone).time);
  return (
    <p class="site-clock" title={strings.header.zoneTitle(zone)}>
      <span class="site-clock-words">{strings.header.siteTime} </span>
      <span class="digits">{time}</span> {zoneAbbreviation(serverNow(), zone)}
      <span class="site-zone"> · {zone}</span>
    </p>
  );
}

type Tone = "good" | "plain" | "warn" | "bad";

export interface StatusWords {
  tone: Tone;
  word: string;
  detail: string;
}

/** What can honestly be said about how live the page is. */
export function statusWords(feed: FeedState, cameras: readonly Camera[], nowMs: number): StatusWords {
  const { newestMs, staleCameraIds } = summarise(feed, cameras, nowMs);
  const ageMs = typeof newestMs === "number" ? nowMs - newestMs : null;
  const age = ageMs === null ? "" : ageWords(ageMs);
  if (feed.connection.state === "connecting") return { tone: "plain", word: strings.status.connecting, detail: "" };
  if (feed.connection.state === "lost") {
    return { tone: "bad", word: strings.status.offline, detail: age && strings.status.lastKnownFrame(age) };
  }
  if (newestMs === undefined) return { tone: "plain", word: strings.status.connecting, detail: "" };
  if (ageMs === null) return { tone: "warn", word: strings.status.noFrames, detail: "" };
  if (ageMs > STALE_AFTER_MS) return { tone: "warn", word: strings.status.stale, detail: strings.status.newestFrame(age) };
  if (ageMs < -FUTURE_TOLERANCE_MS) return { tone: "warn", word: strings.status.live, detail: strings.status.future(age) };
  const detail = [strings.status.newestFrame(age)];
  if (staleCameraIds.length) detail.push(strings.cameras.staleSummary(staleCameraIds.length, cameras.length));
  const word = feed.paused
    ? strings.status.paused
    : isPast(feed.filters.range, nowMs)
      ? strings.status.past
      : strings.status.live;
  return { tone: staleCameraIds.length ? "warn" : feed.paused ? "plain" : "good", word, detail: detail.join(" · ") };
}

function Status({ feed, cameras, serverNow }: { feed: FeedState; cameras: readonly Camera[]; serverNow: () => number }) {
  const words = useTicking(() => JSON.stringify(statusWords(feed, cameras, serverNow())));
  const { tone, word, detail } = JSON.parse(words) as StatusWords;
  return (
    <p class={`status is-${tone}`} data-testid="status">
      {tone === "warn" || tone === "bad" ? <WarnIcon /> : <span class="status-dot" aria-hidden="true" />}
      <strong>{word}</strong>
      {detail && <span class="status-detail">{detail}</span>}
    </p>
  );
}
