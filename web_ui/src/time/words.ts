import { strings } from "../strings";

/** A frame dated further ahead than this is a wrong clock somewhere, not rounding. */
export const FUTURE_TOLERANCE_MS = 5_000;

/** "12 s", "3 min", "2 h 5 min", "3 days": whole units, rounded down. */
export function durationWords(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 60) return strings.age.seconds(seconds);
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return strings.age.minutes(minutes);
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return strings.age.hours(hours, minutes % 60);
  return strings.age.days(Math.floor(hours / 24));
}

/** "just now", "12 s ago", "3 min in the future". */
export function ageWords(ageMs: number): string {
  if (ageMs < -FUTURE_TOLERANCE_MS) return strings.age.ahead(durationWords(-ageMs));
  if (ageMs < 2_000) return strings.age.now;
  return strings.age.ago(durationWords(ageMs));
}

/** Percent without a promise it does not keep: 79.6 is not yet 80. */
export function wholePercent(confidence: number): string {
  return `${Math.floor(confidence)}%`;
}
