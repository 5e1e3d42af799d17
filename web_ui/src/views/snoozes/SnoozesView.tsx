import "../../styles/snoozes.css";
import { useState } from "preact/hooks";
import { ApiProblem } from "../../api/client";
import type { Snooze } from "../../api/types";
import { may, useApp, usePoll } from "../../app/context";
import { cameraWords, holding, keyOf, leftWords, whyNotEnded } from "../../state/snoozeList";
import { ruleWords, whoOf } from "../../state/reviewWords";
import { snoozes as words } from "../../strings/snoozes";
import { siteTimeAt } from "../../time/zone";
import { PauseIcon, WarnIcon } from "../../ui/icons";
import { useTicking } from "../../ui/ticker";
import type { ViewProps } from "../view";
import { LimitsSection } from "./LimitsSection";

const POLL_MS = 10_000;

type Ending = { phase: "ending" } | { phase: "failed"; problem: ApiProblem };

/** What keeps texts back: which rules are snoozed where, until when and by whom, and limits. An admin changes both. */
export function SnoozesView(_: ViewProps) {
  const { client, me } = useApp();
  const poll = usePoll("snoozes", POLL_MS, async (signal) => (await client.snoozes(signal)).snoozes);
  const [endings, setEndings] = useState<Readonly<Record<string, Ending>>>({});
  const [ended, setEnded] = useState<ReadonlySet<string>>(new Set());
  const [announced, announce] = useState("");
  const mayEnd = may(me, "admin");
  const mark = (key: string, ending: Ending | null) =>
    setEndings(({ [key]: _before, ...others }) => (ending ? { ...others, [key]: ending } : others));

  const end = async (snooze: Snooze) => {
    const key = keyOf(snooze);
    if (endings[key]?.phase === "ending") return;
    mark(key, { phase: "ending" });
    try {
      await client.endSnooze(snooze);
      setEnded((before) => new Set([...before, `${key} ${snooze.until}`]));
      mark(key, null);
      announce(words.ended(ruleWords(snooze.rule_id)));
    } catch (error) {
      mark(key, { phase: "failed", problem: error instanceof ApiProblem ? error : new ApiProblem("failing", String(error)) });
    }
    poll.again();
  };

  const list = poll.data && holding(poll.data, ended);
  return (
    <>
      <main id="main" tabIndex={-1} class="snoozes" aria-label={words.page} aria-busy={!list}>
        <h2>{words.heading}</h2>
        {list && list.length > 0 && (
          <p class="hint">
            {words.intro} {!mayEnd && words.onlyAdmins}
          </p>
        )}
        {!list && !poll.problem && (
          <p class="view-loading hint" role="status">
            {words.loading}
          </p>
        )}
        {list?.length === 0 && (
          <div class="notice">
            <PauseIcon />
            <h3>{words.none}</h3>
            <p>{words.noneText}</p>
          </div>
        )}
        <ul class="snooze-list">
          {list?.map((snooze) => (
            <Item key={keyOf(snooze)} snooze={snooze} ending={endings[keyOf(snooze)] ?? null} onEnd={mayEnd ? () => void end(snooze) : null} />
          ))}
        </ul>
        <LimitsSection />
      </main>
      <div class="sr-only" role="status">
        {announced}
      </div>
    </>
  );
}

function Item({ snooze, ending, onEnd }: { snooze: Snooze; ending: Ending | null; onEnd: (() => void) | null }) {
  const { site, zone, serverNow } = useApp();
  const left = useTicking(() => leftWords(snooze, serverNow()));
  const until = siteTimeAt(Date.parse(snooze.until), zone);
  const cameras = cameraWords(snooze, site.cameras);
  const failed = ending?.phase === "failed" ? ending.problem : null;
  const press = ending?.phase === "ending" ? words.ending : failed ? words.retry : words.end;
  return (
    <li class="snooze" data-rule={snooze.rule_id}>
      <div class="snooze-text">
        <h3>{ruleWords(snooze.rule_id)}</h3>
        <p>
          <strong class="digits">{left}</strong>
          {" · "}
          {words.until}{" "}
          <time dateTime={snooze.until} title={until.longDate}>
            {until.timeToMinute} {until.zone}
          </time>
        </p>
        <p class="hint">
          {words.cameras} {cameras} · {words.by} {whoOf(snooze, words.you)}
        </p>
        {failed && (
          <p class="snooze-failed" role="alert">
            <WarnIcon />
            {words.failed(whyNotEnded(failed))}
          </p>
        )}
      </div>
      {onEnd && (
        <button
          type="button"
          class="button"
          aria-label={words.endOf(press, ruleWords(snooze.rule_id), cameras)}
          aria-disabled={ending?.phase === "ending"}
          onClick={onEnd}
        >
          {press}
        </button>
      )}
    </li>
  );
}
