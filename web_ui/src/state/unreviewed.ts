// How many alerts wait to be looked at: unanswered, and decided after what this user has marked as seen.

import type { Query } from "../api/client";
import type { Alert } from "../api/types";

export interface Unreviewed {
  count: number;
  /** There are more than were counted. */
  more: boolean;
}

export const NONE_UNREVIEWED: Unreviewed = { count: 0, more: false };

/** Pages of this are counted, and no more than PAGES of them: "99+" tells as much as "734". */
export const PAGE_SIZE = 100;
export const MAX_PAGES = 3;
const SHOWN_MAX = 99;
/** An alert may be decided this long after its capture, and the API's times are captures. */
const DECIDED_WITHIN_MS = 3_600_000;
const DEFAULT_SPAN_MS = 7 * 86_400_000;

export function unreviewedQuery(seenUntil: string | null, nowMs: number): Query {
  const seenMs = seenUntil === null ? Number.NaN : Date.parse(seenUntil);
  const fromMs = seenMs - DECIDED_WITHIN_MS;
  // Without `from` the API looks at the last seven days.
  const from = fromMs > nowMs - DEFAULT_SPAN_MS ? new Date(fromMs).toISOString() : null;
  return { answered: "false", from, limit: PAGE_SIZE };
}

/** RFC 3339 texts of one form: UTC, microseconds. */
export function isUnreviewed(alert: Alert, seenUntil: string | null): boolean {
  return alert.answers.length === 0 && (seenUntil === null || Date.parse(alert.decided_at) > Date.parse(seenUntil));
}

export function countUnreviewed(alerts: readonly Alert[], seenUntil: string | null, moreToCome: boolean): Unreviewed {
  const count = alerts.filter((alert) => isUnreviewed(alert, seenUntil)).length;
  return { count, more: moreToCome };
}

/** "" for none, "3", "99+". */
export function unreviewedWords({ count, more }: Unreviewed): string {
  if (count > SHOWN_MAX || (more && count > 0)) return `${Math.min(count, SHOWN_MAX)}+`;
  return count ? String(count) : "";
}

/** The later of two markers: seen is seen. */
export function laterSeen(a: string | null, b: string | null): string | null {
  if (a === null || b === null) return a ?? b;
  return Date.parse(a) >= Date.parse(b) ? a : b;
}

/** What marking all as seen marks: everything that was counted, and nothing that came later. */
export function newestDecided(alerts: readonly Alert[]): string | null {
  return alerts.reduce<string | null>((newest, { decided_at }) => laterSeen(newest, decided_at), null);
}
