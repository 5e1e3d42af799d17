// The time axis: instants to pixels, and ticks on round site times, through every clock change.
//
// Between two clock changes site time runs evenly, so ticks are multiples of the step there; an hour that comes twice
// gets its ticks in both passes, and one that is skipped gets none.

import { changeBetween, siteTimeAt, zoneAbbreviation, zoneOffsetMs } from "../time/zone";
import { DAY_MS, HOUR_MS, MINUTE_MS, type TimeWindow } from "./timelineWindow";

const STEPS_MS = [
  ...[5, 10, 15, 30].map((seconds) => seconds * 1000),
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * MINUTE_MS),
  ...[1, 2, 3, 6, 12].map((hours) => hours * HOUR_MS),
  ...[1, 2, 7, 14].map((days) => days * DAY_MS),
];
/** 5 January 1970: steps of a week begin on Mondays. */
const A_MONDAY_MS = 4 * DAY_MS;

export interface Tick {
  atMs: number;
  /** 14:00, or 14:00:30 where steps are shorter than a minute; a date at midnight. */
  words: string;
  isDay: boolean;
  /** Set where the words alone would name two instants, and on the first tick after a clock change. */
  zone: string | null;
}

export interface ClockChange {
  atMs: number;
  /** Positive: the clocks go forward. */
  byMs: number;
  before: string;
  after: string;
}

export interface Axis {
  ticks: Tick[];
  changes: ClockChange[];
}

export function xOf(utcMs: number, { fromMs, toMs }: TimeWindow, widthPx: number): number {
  return ((utcMs - fromMs) / (toMs - fromMs)) * widthPx;
}

export function timeAt(x: number, { fromMs, toMs }: TimeWindow, widthPx: number): number {
  return fromMs + (x / Math.max(1, widthPx)) * (toMs - fromMs);
}

export function axisOf(window: TimeWindow, widthPx: number, zone: string, minGapPx = 84): Axis {
  const changes = clockChanges(window, zone);
  const wantedMs = ((window.toMs - window.fromMs) / Math.max(1, widthPx)) * minGapPx;
  const stepMs = STEPS_MS.find((each) => each >= wantedMs) ?? STEPS_MS[STEPS_MS.length - 1]!;
  const ticks: Tick[] = [];
  const starts = [window.fromMs, ...changes.map(({ atMs }) => atMs)];
  starts.forEach((startMs, index) => {
    const change = changes[index - 1] ?? null;
    const endMs = starts[index + 1] ?? window.toMs;
    const offsetMs = zoneOffsetMs(startMs, zone);
    const origin = offsetMs - A_MONDAY_MS;
    const firstMs = Math.ceil((startMs + origin) / stepMs) * stepMs - origin;
    const at: number[] = [];
    for (let ms = firstMs; ms < endMs; ms += stepMs) at.push(ms);
    // A round time that is skipped (midnight, in some zones) is there the moment the clocks have changed.
    const gapMs = change && change.byMs > 0 ? change.byMs : 0;
    const skipsRound = gapMs > 0 && Math.floor((startMs + origin - 1) / stepMs) > Math.floor((startMs + origin - gapMs - 1) / stepMs);
    if (skipsRound && at[0] !== startMs) at.unshift(startMs);
    for (const ms of at) ticks.push(tickAt(ms, stepMs, zone, isAmbiguous(ms, changes) || (change !== null && ms === at[0])));
  });
  return { ticks: spread(ticks, window, widthPx, minGapPx), changes };
}

function tickAt(atMs: number, stepMs: number, zone: string, names: boolean): Tick {
  const at = siteTimeAt(atMs, zone);
  const isDay = siteTimeAt(atMs - 1, zone).date !== at.date;
  return {
    atMs,
    words: isDay ? `${at.longDate.slice(0, 3)} ${at.date.slice(0, -5)}` : stepMs < MINUTE_MS ? at.time : at.timeToMinute,
    isDay,
    zone: names && !isDay ? at.zone : null,
  };
}

/** Whether the clock says the same at another instant, because of one of these changes. */
function isAmbiguous(utcMs: number, changes: readonly ClockChange[]): boolean {
  return changes.some(({ atMs, byMs }) => byMs < 0 && utcMs >= atMs + byMs && utcMs < atMs - byMs);
}

/** Without those that would lie on the one before; a step never does that, a clock change may. */
function spread(ticks: readonly Tick[], window: TimeWindow, widthPx: number, minGapPx: number): Tick[] {
  const kept: Tick[] = [];
  for (const tick of ticks) {
    const last = kept[kept.length - 1];
    const isNear = last && xOf(tick.atMs, window, widthPx) - xOf(last.atMs, window, widthPx) < minGapPx * 0.9;
    if (!isNear) kept.push(tick);
    else if (tick.isDay && !last.isDay) kept[kept.length - 1] = tick;
  }
  return kept;
}

/** Those within the window, its start not included. */
export function clockChanges({ fromMs, toMs }: TimeWindow, zone: string): ClockChange[] {
  const found: ClockChange[] = [];
  // No zone changes its clocks twice within a day.
  for (let lowMs = fromMs; lowMs < toMs; lowMs += DAY_MS) {
    const highMs = Math.min(toMs, lowMs + DAY_MS);
    const byMs = zoneOffsetMs(highMs, zone) - zoneOffsetMs(lowMs, zone);
    if (byMs === 0) continue;
    const atMs = Math.floor(changeBetween(lowMs, highMs, zone) / 1000) * 1000;
    if (atMs < toMs) found.push({ atMs, byMs, before: zoneAbbreviation(lowMs, zone), after: zoneAbbreviation(highMs, zone) });
  }
  return found;
}
