import type { Camera } from "../../api/types";
import { STALE_AFTER_MS, summarise, type FeedState } from "../../state/feed";
import { isPast } from "../../state/filters";
import { strings } from "../../strings";
import { ageWords, FUTURE_TOLERANCE_MS } from "../../time/words";
import { PauseIcon, PlayIcon, WarnIcon } from "../../ui/icons";
import { useTicking } from "../../ui/ticker";

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

interface Props {
  feed: FeedState;
  cameras: readonly Camera[];
  serverNow: () => number;
  onPause: (paused: boolean) => void;
}

export function FeedStatus({ feed, cameras, serverNow, onPause }: Props) {
  return (
    <div class="feed-status">
      <Status feed={feed} cameras={cameras} serverNow={serverNow} />
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
    </div>
  );
}

function Status({ feed, cameras, serverNow }: Omit<Props, "onPause">) {
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
