// The timeline in sentences: what a screen reader says of a bar or a mark, and what the list below says of everything.

import type { Alert, Person, Site, Visit } from "../api/types";
import { timeline as words } from "../strings/timeline";
import { wholePercent } from "../time/words";
import { siteTimeAt } from "../time/zone";
import { markOf, type Drawn, type Item } from "./timelineItems";

const LABELS_NAMED = 3;

/** "04:17:13 CET"; with its date where that is not the day of `besideMs`. */
export function timeWords(utcMs: number, zone: string, besideMs: number | null = null): string {
  const at = siteTimeAt(utcMs, zone);
  const time = `${at.time} ${at.zone}`;
  return besideMs !== null && siteTimeAt(besideMs, zone).date === at.date ? time : `${at.longDate.slice(0, 3)} ${at.date} ${time}`;
}

export function spanWords(item: { fromMs: number; toMs: number }, isOpen: boolean, zone: string): string {
  const from = timeWords(item.fromMs, zone);
  if (isOpen) return words.since(from);
  const [a, b] = [siteTimeAt(item.fromMs, zone), siteTimeAt(item.toMs, zone)];
  // The zone stands once, unless the clocks changed in between.
  const start = a.date === b.date && a.zone === b.zone ? from.slice(0, -a.zone.length - 1) : from;
  return words.fromTo(start, timeWords(item.toMs, zone, item.fromMs));
}

export function ruleName(ruleId: string): string {
  return ruleId === "watch" ? words.watchRule : ruleId;
}

/** What rules made of a visit, a sentence each. */
export function outcomesOf(visit: Visit): string[] {
  const told = visit.alerts.map(({ rule_id, state }) => words.outcome[state](ruleName(rule_id)));
  const alerted = new Set(visit.alerts.map(({ rule_id }) => rule_id));
  const held = visit.withheld
    .filter(({ rule_id }) => !alerted.has(rule_id))
    .map(({ rule_id, reason, count }) => words.withheld(ruleName(rule_id), words.reasons[reason] ?? reason, count));
  return told.length + held.length ? [...told, ...held] : [words.noRule];
}

export function answerOf(alert: Alert): string {
  const last = alert.answers[alert.answers.length - 1];
  if (!last) return words.unanswered;
  return (words.answered[last.kind] ?? words.someAnswer)(nameOf(last));
}

function nameOf(person: Person): string {
  return person.is_you ? words.you : (person.name ?? person.by.replace(/^user:/, ""));
}

/** One visit or alert. */
export function sentenceOf(item: Item, zone: string): string {
  const { label, cameraName } = item;
  if (item.kind === "visit") {
    const percent = wholePercent(item.visit.best.confidence);
    return words.sentence.visit(label, cameraName, spanWords(item, item.isOpen, zone), percent, outcomesOf(item.visit).join(" "));
  }
  const { severity, confidence } = item.alert;
  const at = timeWords(item.fromMs, zone);
  return words.sentence.alert(words.severity[severity], label, cameraName, at, wholePercent(confidence), answerOf(item.alert));
}

/** What is drawn as one, which may be many. */
export function spokenOf(drawn: Drawn, zone: string): string {
  const [first] = drawn.items;
  if (!first) return "";
  if (drawn.items.length === 1) return sentenceOf(first, zone);
  const count = drawn.items.length;
  const times = spanWords(drawn, false, zone);
  if (drawn.kind === "visit") return words.sentence.visits(count, labelsOf(drawn.items), first.cameraName, times);
  const unanswered = drawn.items.filter((item) => item.kind === "alert" && !item.isAnswered).length;
  return words.sentence.alerts(count, first.cameraName, times, unanswered);
}

/** "Person 12, Dog 3": the most frequent first. */
function labelsOf(items: readonly Item[]): string {
  const counts = new Map<string, number>();
  for (const { label } of items) counts.set(label, (counts.get(label) ?? 0) + 1);
  const sorted = [...counts].sort((a, b) => b[1] - a[1]);
  return sorted
    .slice(0, LABELS_NAMED)
    .map(([label, count]) => `${label} ${count}`)
    .concat(sorted.length > LABELS_NAMED ? ["…"] : [])
    .join(", ");
}

/** What stands on a bar, where there is room for it. */
export function barWords(drawn: Drawn): string {
  const [first] = drawn.items;
  if (drawn.items.length > 1) return words.barCount(drawn.items.length);
  return first?.kind === "visit" ? words.barWords(first.label, wholePercent(first.visit.best.confidence)) : "";
}

export function markWords(drawn: Drawn): { severity: string; isAnswered: boolean; count: number } {
  return { ...markOf(drawn), count: drawn.items.length };
}

/** The words that rules follow, as choices of a filter; the one that is chosen is among them. */
export function labelChoices(site: Pick<Site, "watch_labels">, label: string | null): string[] {
  const known = site.watch_labels.some((each) => each.toLowerCase() === label?.toLowerCase());
  return label === null || known ? [...site.watch_labels] : [label, ...site.watch_labels];
}
