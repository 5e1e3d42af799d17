// Which stretch of time the timeline shows, how it is zoomed and moved, and how the address says so.

import { rfc3339 } from "./filters";
import { searchOf } from "./route";

export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;
export const MIN_SPAN_MS = MINUTE_MS;
export const MAX_SPAN_MS = 31 * DAY_MS;
const MAX_CAMERAS = 50;
/** Nothing was recorded before, and every date from here on has four digits. */
const FIRST_MS = Date.parse("2000-01-01T00:00:00Z");

/** UTC milliseconds; from is inclusive, to is exclusive. */
export interface TimeWindow {
  fromMs: number;
  toMs: number;
}

export type TimelineRange =
  /** Ends now and moves with it; a bookmark of it stays "the last day". */
  { kind: "last"; spanMs: number } | ({ kind: "fixed" } & TimeWindow);

export interface TimelineAddress {
  range: TimelineRange;
  /** Camera ids; empty: every camera of the site. */
  cameras: string[];
  label: string | null;
}

export interface ReadAddress {
  address: TimelineAddress;
  /** Names of parameters that could not be read and were left out. */
  ignored: string[];
  /** The address asks for more than a month, and its end is shown. */
  shortened: boolean;
}

export const DEFAULT_RANGE: TimelineRange = { kind: "last", spanMs: DAY_MS };

const UNITS_MS: readonly (readonly [string, number])[] = [
  ["d", DAY_MS],
  ["h", HOUR_MS],
  ["m", MINUTE_MS],
  ["s", 1000],
];
// With a zone, or it would mean another instant in another browser.
const RFC3339 = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?([Zz]|[+-]\d{2}:\d{2})$/;

export function readTimeline(params: URLSearchParams, nowMs: number): ReadAddress {
  const ignored: string[] = [];
  const instant = (name: string): number | null => {
    const value = params.get(name);
    if (value === null || value === "") return null;
    const ms = RFC3339.test(value) ? Date.parse(value) : Number.NaN;
    if (ms >= FIRST_MS) return ms;
    ignored.push(name);
    return null;
  };
  const cameras = [...new Set(params.getAll("camera").map((each) => each.trim().slice(0, 200)))].filter(Boolean);
  const label = params.get("label")?.trim().slice(0, 100) || null;
  const fromMs = instant("from");
  const toMs = instant("to");
  let range = DEFAULT_RANGE;
  let shortened = false;
  const latest = Math.max(nowMs, FIRST_MS + MIN_SPAN_MS);
  if (fromMs !== null && toMs !== null && fromMs >= toMs) ignored.push("from", "to");
  else if (fromMs !== null || toMs !== null) {
    const end = toMs ?? Math.min((fromMs ?? 0) + DAY_MS, Math.max(latest, (fromMs ?? 0) + MIN_SPAN_MS));
    const start = fromMs ?? end - DAY_MS;
    shortened = end - start > MAX_SPAN_MS;
    range = fixed({ fromMs: shortened ? end - MAX_SPAN_MS : start, toMs: end }, Math.max(latest, end));
  } else {
    const last = params.get("last");
    const spanMs = last === null || last === "" ? DAY_MS : durationOf(last);
    if (spanMs === null) ignored.push("last");
    else {
      shortened = spanMs > MAX_SPAN_MS;
      range = { kind: "last", spanMs: clampSpan(spanMs) };
    }
  }
  return { address: { range, cameras: cameras.slice(0, MAX_CAMERAS), label }, ignored, shortened };
}

/** "?view=timeline&..."; the inverse of readTimeline. */
export function searchOfTimeline({ range, cameras, label }: TimelineAddress): string {
  const params = new URLSearchParams();
  if (range.kind === "fixed") {
    params.set("from", rfc3339(range.fromMs));
    params.set("to", rfc3339(range.toMs));
  } else if (range.spanMs !== DAY_MS) params.set("last", durationText(range.spanMs));
  for (const camera of cameras) params.append("camera", camera);
  if (label) params.set("label", label);
  return searchOf("timeline", params);
}

function durationOf(text: string): number | null {
  const match = /^(\d{1,9})([dhms])$/.exec(text);
  const unit = UNITS_MS.find(([name]) => name === match?.[2]);
  return match && unit ? Number(match[1]) * unit[1] || null : null;
}

function durationText(ms: number): string {
  const [name, unitMs] = UNITS_MS.find(([, each]) => ms % each === 0) ?? ["s", 1000];
  return `${Math.round(ms / unitMs)}${name}`;
}

export function windowOf(range: TimelineRange, nowMs: number): TimeWindow {
  return range.kind === "last" ? { fromMs: nowMs - range.spanMs, toMs: nowMs } : { fromMs: range.fromMs, toMs: range.toMs };
}

export function spanOf(range: TimelineRange): number {
  return range.kind === "last" ? range.spanMs : range.toMs - range.fromMs;
}

/** Whether something that happens now would be in it. */
export function holdsNow(range: TimelineRange, nowMs: number): boolean {
  return range.kind === "last" || (range.fromMs <= nowMs && nowMs < range.toMs);
}

/** The same moment stays at the same place; what reaches now follows it. factor < 1 zooms in. */
export function zoomed(range: TimelineRange, factor: number, aboutMs: number, nowMs: number): TimelineRange {
  const { fromMs, toMs } = windowOf(range, nowMs);
  const spanMs = clampSpan((toMs - fromMs) * factor);
  const about = Math.min(toMs, Math.max(fromMs, aboutMs));
  const start = about - ((about - fromMs) * spanMs) / (toMs - fromMs);
  return placed(start, spanMs, nowMs);
}

/** Later for byMs > 0, not past now. */
export function panned(range: TimelineRange, byMs: number, nowMs: number): TimelineRange {
  const { fromMs, toMs } = windowOf(range, nowMs);
  return placed(fromMs + byMs, toMs - fromMs, nowMs);
}

/** The same span with this moment in its middle. */
export function centred(range: TimelineRange, atMs: number, nowMs: number): TimelineRange {
  const spanMs = spanOf(range);
  return placed(atMs - spanMs / 2, spanMs, nowMs);
}

/** All of this, with room around it. */
export function around({ fromMs, toMs }: TimeWindow, nowMs: number): TimelineRange {
  const spanMs = clampSpan((toMs - fromMs) * 1.5);
  return placed((fromMs + toMs) / 2 - spanMs / 2, spanMs, nowMs);
}

function placed(startMs: number, spanMs: number, nowMs: number): TimelineRange {
  // A thousandth of the width is less than a pixel or two: whoever pulls as far as that means "now".
  if (startMs + spanMs >= nowMs - spanMs / 1000) return { kind: "last", spanMs };
  const fromMs = Math.max(FIRST_MS, startMs);
  return fixed({ fromMs, toMs: fromMs + spanMs }, nowMs);
}

function fixed({ fromMs, toMs }: TimeWindow, latestMs: number): TimelineRange {
  const spanMs = clampSpan(toMs - fromMs);
  const end = Math.min(Math.round(toMs), Math.round(latestMs));
  const start = toMs - fromMs < MIN_SPAN_MS ? Math.round((fromMs + toMs) / 2 - spanMs / 2) : end - spanMs;
  return { kind: "fixed", fromMs: start, toMs: start + spanMs };
}

/** Whole seconds, from a minute to a month. */
function clampSpan(spanMs: number): number {
  return Math.round(Math.min(MAX_SPAN_MS, Math.max(MIN_SPAN_MS, spanMs)) / 1000) * 1000;
}
