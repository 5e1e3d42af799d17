import type { FrameQuery } from "../api/client";
import { searchOf } from "./route";

export const PRESET_MINUTES = [15, 60, 1440] as const;
export type PresetMinutes = (typeof PRESET_MINUTES)[number];

export type TimeRange =
  | { kind: "any" }
  /** Moves with the clock; a bookmark of it stays "the last hour". */
  | { kind: "last"; minutes: PresetMinutes }
  /** UTC milliseconds; from is inclusive, to is exclusive. */
  | { kind: "custom"; fromMs: number | null; toMs: number | null };

export interface Filters {
  camera: string | null;
  label: string | null;
  range: TimeRange;
  watchOnly: boolean;
}

export const NO_FILTERS: Filters = { camera: null, label: null, range: { kind: "any" }, watchOnly: false };

const PRESET_NAMES: Record<string, PresetMinutes> = { "15m": 15, "1h": 60, "24h": 1440 };
// With a zone, or it would mean another instant in another browser.
const RFC3339 = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?([Zz]|[+-]\d{2}:\d{2})$/;

export interface ReadFilters {
  filters: Filters;
  /** Names of parameters that could not be read and were left out. */
  ignored: string[];
}

export function filtersFromSearch(search: string): ReadFilters {
  const params = new URLSearchParams(search);
  const ignored: string[] = [];
  const text = (name: string) => params.get(name)?.trim().slice(0, 200) || null;
  const instant = (name: string): number | null => {
    const value = params.get(name);
    if (value === null || value === "") return null;
    const ms = RFC3339.test(value) ? Date.parse(value) : Number.NaN;
    if (!Number.isNaN(ms)) return ms;
    ignored.push(name);
    return null;
  };

  let range: TimeRange = { kind: "any" };
  const fromMs = instant("from");
  const toMs = instant("to");
  const last = params.get("last");
  if (fromMs !== null && toMs !== null && fromMs >= toMs) ignored.push("from", "to");
  else if (fromMs !== null || toMs !== null) range = { kind: "custom", fromMs, toMs };
  else if (last !== null) {
    const minutes = PRESET_NAMES[last];
    if (minutes) range = { kind: "last", minutes };
    else ignored.push("last");
  }

  const watch = params.get("watch_only");
  if (watch !== null && watch !== "true" && watch !== "false") ignored.push("watch_only");
  return { filters: { camera: text("camera"), label: text("label"), range, watchOnly: watch === "true" }, ignored };
}

/** "?view=frames&camera=..."; the inverse of filtersFromSearch. */
export function searchFromFilters(filters: Filters): string {
  const params = new URLSearchParams();
  if (filters.camera) params.set("camera", filters.camera);
  if (filters.label) params.set("label", filters.label);
  const { range } = filters;
  if (range.kind === "last") {
    const name = Object.entries(PRESET_NAMES).find(([, minutes]) => minutes === range.minutes)?.[0];
    if (name) params.set("last", name);
  } else if (range.kind === "custom") {
    if (range.fromMs !== null) params.set("from", rfc3339(range.fromMs));
    if (range.toMs !== null) params.set("to", rfc3339(range.toMs));
  }
  if (filters.watchOnly) params.set("watch_only", "true");
  return searchOf("frames", params);
}

export function rfc3339(utcMs: number): string {
  return new Date(utcMs).toISOString().replace(".000Z", "Z");
}

/** When this range begins, in UTC milliseconds; null for "as far back as there is". */
export function rangeStartMs(range: TimeRange, nowMs: number): number | null {
  if (range.kind === "last") return nowMs - range.minutes * 60_000;
  return range.kind === "custom" ? range.fromMs : null;
}

/** True when no frame captured from now on can match. */
export function isPast(range: TimeRange, nowMs: number): boolean {
  return range.kind === "custom" && range.toMs !== null && range.toMs <= nowMs;
}

export function toQuery(filters: Filters, nowMs: number): FrameQuery {
  const fromMs = rangeStartMs(filters.range, nowMs);
  const toMs = filters.range.kind === "custom" ? filters.range.toMs : null;
  return {
    camera: filters.camera,
    label: filters.label,
    from: fromMs === null ? null : rfc3339(fromMs),
    to: toMs === null ? null : rfc3339(toMs),
    watchOnly: filters.watchOnly,
  };
}

export function activeCount(filters: Filters): number {
  return Number(!!filters.camera) + Number(!!filters.label) + Number(filters.range.kind !== "any") + Number(filters.watchOnly);
}

export function sameFilters(a: Filters, b: Filters): boolean {
  return searchFromFilters(a) === searchFromFilters(b);
}
