// What the review lists: alerts, visits that were not told, and why rules gave no alert. Each as one kind of entry.

import type { Alert, Answer, Visit, Withheld } from "../api/types";
import type { Entry } from "./reviewList";

export type ReviewEntry =
  | (Entry & { kind: "alert"; alert: Alert })
  | (Entry & { kind: "visit"; visit: Visit })
  | (Entry & { kind: "withheld"; row: Withheld });

/** An address of a picture is kept until this long before it stops working, so that a poll loads no picture anew. */
const RENEW_BEFORE_MS = 60_000;

export function entryOfAlert(alert: Alert): ReviewEntry {
  return { kind: "alert", id: alert.alert_id, sort: `${alert.captured_at} ${alert.alert_id}`, alert };
}

export function entryOfVisit(visit: Visit): ReviewEntry {
  return { kind: "visit", id: visit.visit_id, sort: `${visit.first_seen} ${visit.visit_id}`, visit };
}

export function entryOfWithheld(row: Withheld): ReviewEntry {
  const id = `${row.visit_id} ${row.rule_id} ${row.reason}`;
  return { kind: "withheld", id, sort: `${row.visit_from} ${id}`, row };
}

/** Whether nobody was told of the visit: neither by an alert of its own nor as part of another's incident. */
export function isUntold({ alerts }: Visit): boolean {
  return !alerts.some(({ state }) => state === "claimed" || state === "sent" || state === "joined");
}

export function joinEntries(known: ReviewEntry, next: ReviewEntry, nowMs: number): ReviewEntry {
  if (known.kind === "alert" && next.kind === "alert") {
    const alert = joinAlerts(known.alert, next.alert, nowMs);
    return alert === known.alert ? known : { ...known, alert };
  }
  if (known.kind === "visit" && next.kind === "visit") {
    const best = { ...next.visit.best, ...pictureOf(known.visit.best, next.visit.best, nowMs) };
    const visit = { ...next.visit, best: known.visit.best.frame_id === best.frame_id ? best : next.visit.best };
    return same(known.visit, visit) ? known : { ...known, visit };
  }
  return same(known, next) ? known : next;
}

/**
 * What is known of one alert from two readings, whichever was begun first: answers and notes are only ever added, so a
 * poll that overtakes an action never takes it back.
 */
export function joinAlerts(known: Alert, next: Alert, nowMs: number): Alert {
  const joined = {
    ...next,
    ...pictureOf(known, next, nowMs),
    state: next.state === "claimed" ? known.state : next.state,
    deliveries: next.deliveries.length < known.deliveries.length ? known.deliveries : next.deliveries,
    joined: next.joined.length < known.joined.length ? known.joined : next.joined,
    notes: next.notes.length < known.notes.length ? known.notes : next.notes,
    answers: unionOf(known.answers, next.answers),
  };
  return same(known, joined) ? known : joined;
}

function unionOf(known: readonly Answer[], next: readonly Answer[]): Answer[] {
  const lost = known.filter(({ kind }) => !next.some((answer) => answer.kind === kind));
  return [...next, ...lost].sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
}

interface Pictured {
  image_url: string | null;
  image_url_expires_at: string | null;
}

/** Another address of the same picture would load it again: the known one stays while it works. */
function pictureOf(known: Pictured, next: Pictured, nowMs: number): Pictured {
  const works = known.image_url_expires_at !== null && Date.parse(known.image_url_expires_at) - nowMs > RENEW_BEFORE_MS;
  const { image_url, image_url_expires_at } = next.image_url === null || works ? known : next;
  return { image_url, image_url_expires_at };
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
