// An alert's state, its way to the text, and what was done about it, in words.

import { ApiProblem } from "../api/client";
import type { Alert, Answer, AnswerKind, Person, Site, Snooze, Trace, Visit } from "../api/types";
import { review } from "../strings/review";
import { ageWords, durationWords } from "../time/words";
import { siteTimeAt } from "../time/zone";
import { beatenBy, type Deed } from "./reviewActions";
import { pointsOf } from "./tracePoints";

/** open: somebody should answer. bad: and nobody was told. done: answered. waiting: nothing can be done yet. */
export type Tone = "open" | "bad" | "done" | "waiting";

export interface Standing {
  tone: Tone;
  words: string;
  /** What comes next, where something does. */
  next: string | null;
}

/** Of several answers, the one that says most about how it ended. */
const WEIGHT: readonly AnswerKind[] = ["closed", "false-alarm", "taken", "snoozed"];

export function whoOf(person: Person, you: string = review.state.you): string {
  return person.is_you ? you : (person.name ?? person.by);
}

export function lastWord(answers: readonly Answer[]): Answer | null {
  return WEIGHT.map((kind) => answers.find((answer) => answer.kind === kind)).find(Boolean) ?? answers[0] ?? null;
}

/** When the alert's rule texts again of its camera; null where it does. */
export function snoozedUntil({ rule_id, camera_id }: Alert, snoozes: readonly Snooze[]): string | null {
  return snoozes.find((snooze) => snooze.rule_id === rule_id && snooze.camera_ids.includes(camera_id))?.until ?? null;
}

export function standingOf(alert: Alert, snoozes: readonly Snooze[], nowMs: number, zone: string): Standing {
  const { state } = review;
  const answer = lastWord(alert.answers);
  if (answer) {
    const who = whoOf(answer);
    const until = answer.kind === "snoozed" ? snoozedUntil(alert, snoozes) : null;
    const words =
      until !== null
        ? state.snoozedUntil(clockWords(until, zone), who)
        : (state[answer.kind] ?? state.closed)(who, ageWords(Math.max(0, nowMs - Date.parse(answer.at))));
    return { tone: "done", words, next: null };
  }
  if (alert.state === "held") return { tone: "bad", words: state.held, next: null };
  const nextStep = alert.escalation.find((step) => step.at === null);
  const due = alert.escalates_at;
  // Past its time it is due at any moment.
  const at = due !== null && Date.parse(due) > nowMs ? clockWords(due, zone) : null;
  const next = nextStep && due !== null ? state.next(nextStep.contact_id, at) : null;
  if (alert.state === "failed") return { tone: "bad", words: state.failed, next };
  const told = alert.deliveries.filter((delivery) => delivery.state === "sent").map(({ contact_id }) => contact_id);
  if (alert.state === "claimed" && !told.length) return { tone: "waiting", words: state.sending, next: null };
  return { tone: "open", words: told.length ? state.told(told.join(", ")) : state.toldNobody, next };
}

/** "04:17 CET" */
export function clockWords(at: string, zone: string): string {
  const time = siteTimeAt(Date.parse(at), zone);
  return `${time.timeToMinute} ${time.zone}`;
}

export function ruleWords(ruleId: string): string {
  return ruleId === "watch" ? review.watchRule : ruleId;
}

/** Why nobody was told of a visit, one line for each rule and reason. */
export function untoldWords({ withheld }: Visit): string[] {
  return withheld.map(({ rule_id, reason, count }) =>
    review.reasonOfRule(ruleWords(rule_id), review.reason(review.reasons[reason] ?? reason, count)),
  );
}

export interface DeedWords {
  tone: "under-way" | "failed" | "done" | "beaten";
  words: string;
}

export function deedWords(deed: Deed): DeedWords {
  const { deeds } = review;
  if (deed.phase === "sending") return { tone: "under-way", words: deeds.sending[deed.kind] };
  if (deed.phase === "failed") return { tone: "failed", words: `${deeds.failed[deed.kind]} ${refusalWords(deed.problem)}` };
  const beaten = beatenBy(deed);
  if (!beaten || deed.kind === "note") return { tone: "done", words: deeds.done[deed.kind] };
  return { tone: "beaten", words: deeds.beaten[deed.kind](whoOf(beaten.by), durationWords(beaten.aheadMs)) };
}

/** Why something was not done. */
export function refusalWords(problem: ApiProblem | null): string {
  const { deeds } = review;
  if (!problem || problem.kind === "unreachable") return deeds.unreachable;
  if (problem.kind === "failing") return deeds.failing;
  if (problem.status === 403) return deeds.forbidden;
  return problem.status === 404 ? deeds.gone : deeds.refused(problem.message);
}

export interface Stage {
  name: string;
  /** null where one of its ends is not known. */
  ms: number | null;
}

/** From each point of the frame's way to the next. */
export function stagesOf(trace: Trace): Stage[] {
  const points = pointsOf(trace);
  return points.slice(1).map(([name, at], index) => {
    const before = points[index]![1];
    return { name, ms: at === null || before === null ? null : Math.max(0, Date.parse(at) - Date.parse(before)) };
  });
}

/** From the capture to the text; null where no text went out. */
export function wholeWayMs({ captured_at, published_at }: Trace): number | null {
  return published_at === null ? null : Math.max(0, Date.parse(published_at) - Date.parse(captured_at));
}

export function msWords(ms: number): string {
  return ms < 1000 ? review.detail.ms(Math.round(ms)) : review.detail.seconds((ms / 1000).toFixed(1));
}

/** The rules one can filter by: those of the site, the watch list where it has one. */
export function rulesOf(site: Site): string[] {
  return [...new Set(site.rules.map(({ rule_id }) => rule_id))];
}
