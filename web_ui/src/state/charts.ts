// What the charts show: which span, cut into which steps of site time, for which camera; and the address that says so.

import { siteTimeAt, wallTimeAt, zoneAbbreviation } from "../time/zone";
import { searchOf } from "./route";

export const SPANS = ["24h", "7d", "30d"] as const;
export type Span = (typeof SPANS)[number];

export const CHARTS = ["detections", "alerts", "withheld", "frames", "latency"] as const;
export type ChartName = (typeof CHARTS)[number];

export interface ChartsChoice {
  span: Span;
  /** null: all of the site's. */
  camera: string | null;
  /** The charts that are shown as tables. */
  tables: readonly ChartName[];
}

export function chartsChoice(params: URLSearchParams): ChartsChoice {
  const asked = (params.get("table") ?? "").split(",");
  return {
    span: SPANS.find((each) => each === params.get("last")) ?? "24h",
    camera: params.get("camera")?.trim().slice(0, 200) || null,
    tables: CHARTS.filter((each) => asked.includes(each)),
  };
}

/** The inverse of chartsChoice. */
export function chartsSearch({ span, camera, tables }: ChartsChoice): string {
  return searchOf("charts", { last: span, camera, table: tables.join(",") });
}

/** One bar: [fromMs, toMs) in UTC. */
export interface Bin {
  fromMs: number;
  toMs: number;
}

export interface BinPlan {
  /** A bar holds so many hours of the wall clock, counted from midnight; 24 is the site's day, of 23 to 25 hours. */
  hours: 1 | 3 | 24;
  count: number;
}

export const PLANS: Record<Span, BinPlan> = {
  "24h": { hours: 1, count: 24 },
  "7d": { hours: 3, count: 56 },
  "30d": { hours: 24, count: 30 },
};

export const HOUR_MS = 3_600_000;

/**
 * The newest `count` bins; the last one holds now. Hours are instants: the doubled hour is two bars of a chart by the hour, and
 * in wider bars both of its hours count. The API counts by hours of UTC: where the zone is off by half an hour, an hour counts
 * to the day in which it begins.
 */
export function newestBins({ hours, count }: BinPlan, nowMs: number, zone: string): Bin[] {
  const endMs = Math.floor(nowMs / HOUR_MS) * HOUR_MS + HOUR_MS;
  const bins: Bin[] = [];
  let key = "";
  // Back in time; one bin more than wanted, so that the oldest one shown is whole.
  for (let atMs = endMs - HOUR_MS; bins.length <= count; atMs -= HOUR_MS) {
    const its = hours === 1 ? String(atMs) : wallBlock(atMs, hours, zone);
    const last = bins.at(-1);
    if (its === key && last) last.fromMs = atMs;
    else bins.push({ fromMs: atMs, toMs: last ? last.fromMs : endMs });
    key = its;
  }
  const shown = bins.slice(0, count).reverse();
  const newest = shown.at(-1);
  if (newest && hours > 1) newest.toMs = endOfBlock(newest.toMs, hours, zone);
  return shown;
}

function wallBlock(utcMs: number, hours: number, zone: string): string {
  const { year, month, day, hour } = wallTimeAt(utcMs, zone);
  return `${year}-${month}-${day} ${Math.floor(hour / hours)}`;
}

function endOfBlock(fromMs: number, hours: number, zone: string): number {
  const key = wallBlock(fromMs - HOUR_MS, hours, zone);
  let atMs = fromMs;
  while (wallBlock(atMs, hours, zone) === key) atMs += HOUR_MS;
  return atMs;
}

/** Which of the bins holds this instant; -1 for none. Bins follow one another without a gap. */
export function binAt(bins: readonly Bin[], utcMs: number): number {
  let low = 0;
  let high = bins.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const bin = bins[middle]!;
    if (utcMs < bin.fromMs) high = middle - 1;
    else if (utcMs >= bin.toMs) low = middle + 1;
    else return middle;
  }
  return -1;
}

/** "21 Nov 2026, 14:00 to 15:00 CET", "21 Nov 2026" for a day. In the doubled hour both ends carry their zone. */
export function binWords({ fromMs, toMs }: Bin, hours: number, zone: string): string {
  const from = siteTimeAt(fromMs, zone);
  if (hours === 24) return from.date;
  const to = siteTimeAt(toMs, zone);
  const start = from.zone === to.zone ? from.timeToMinute : `${from.timeToMinute} ${from.zone}`;
  return `${from.date}, ${start} to ${to.timeToMinute} ${to.zone}`;
}

export interface TimeTick {
  index: number;
  /** 14:00; empty where the date says all. */
  time: string;
  /** 21 Nov; empty where the tick before it is of the same day. */
  date: string;
}

const HOUR_STEPS = [1, 2, 3, 4, 6, 12, 24];

/** At most `most` labels under the bars. An hour that comes twice is labelled twice, each with its zone. */
export function timeTicks(bins: readonly Bin[], hours: number, most: number, zone: string): TimeTick[] {
  const starts = bins.map(({ fromMs }, index) => ({ index, fromMs, wall: wallTimeAt(fromMs, zone) }));
  const room = Math.max(1, most);
  if (hours === 1) {
    const step = HOUR_STEPS.find((each) => starts.filter(({ wall }) => wall.hour % each === 0).length <= room) ?? 24;
    const chosen = starts.filter(({ wall }) => wall.hour % step === 0);
    return chosen.map(({ index, fromMs, wall }, n) => {
      const [before, after] = [starts[index - 1], starts[index + 1]];
      const twice = before?.wall.hour === wall.hour || after?.wall.hour === wall.hour;
      const { timeToMinute, zone: letters } = siteTimeAt(fromMs, zone);
      return {
        index,
        time: twice ? `${timeToMinute} ${letters}` : timeToMinute,
        date: chosen[n - 1]?.wall.day === wall.day ? "" : dayAndMonth(fromMs, zone),
      };
    });
  }
  const days = starts.filter(({ wall }, n) => n === 0 ? wall.hour === 0 : starts[n - 1]!.wall.day !== wall.day);
  const every = Math.ceil(days.length / room);
  return days
    .filter((_, n) => (days.length - 1 - n) % every === 0)
    .map(({ index, fromMs }) => ({ index, time: "", date: dayAndMonth(fromMs, zone) }));
}

function dayAndMonth(utcMs: number, zone: string): string {
  return siteTimeAt(utcMs, zone).date.replace(/ \d+$/, "");
}

/** The zone's letters over these bins: ["CEST", "CET"] where a clock change lies in them. */
export function zonesOf(bins: readonly Bin[], zone: string): string[] {
  return [...new Set(bins.flatMap(({ fromMs, toMs }) => [zoneAbbreviation(fromMs, zone), zoneAbbreviation(toMs - 1, zone)]))];
}

/** From 0 in steps of 1, 2 or 5 times a power of ten, `least` or more, the last at or above `max`; about `wanted` steps. */
export function valueTicks(max: number, least = 1, wanted = 4): number[] {
  const rough = Math.max(least, max / wanted);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((each) => each >= rough * (1 - 1e-9)) ?? 10 * power;
  const steps = Math.max(1, Math.ceil(max / step - 1e-9));
  return Array.from({ length: steps + 1 }, (_, n) => n * step);
}

/** Pages of a listing, newest first, as long as there are any and `most` are not reached. */
export async function gather<Row>(
  ask: (cursor: string | null) => Promise<{ rows: readonly Row[]; next: string | null }>,
  most: number,
): Promise<{ rows: Row[]; cut: boolean }> {
  const rows: Row[] = [];
  let cursor: string | null = null;
  for (let page = 0; page < most; page += 1) {
    const answer: { rows: readonly Row[]; next: string | null } = await ask(cursor);
    rows.push(...answer.rows);
    cursor = answer.next;
    if (cursor === null) return { rows, cut: false };
  }
  return { rows, cut: true };
}
