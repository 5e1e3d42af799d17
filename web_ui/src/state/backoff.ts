export const BACKOFF_FIRST_MS = 1_000;
export const BACKOFF_MAX_MS = 30_000;

/**
 * How long to wait after the nth failure in a row (1 is the first).
 * Doubles up to half a minute; up to a fifth is taken off at random so that many pages do not return at once.
 * A Retry-After is a floor, itself capped: a page that waits an hour looks dead.
 */
export function backoffMs(failures: number, random: () => number, retryAfterMs: number | null = null): number {
  const doubled = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** Math.min(failures - 1, 10));
  const spread = doubled * (1 - 0.2 * random());
  return Math.max(spread, Math.min(retryAfterMs ?? 0, 2 * BACKOFF_MAX_MS));
}
