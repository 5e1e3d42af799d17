// What the costs show: which month, its days, and what is added up of the API's answer. No words, no pixels.

import type { BudgetRequest, CameraCosts, Costs, Saver, SiteCosts, StepName } from "../api/types";
import { instantsOf, wallTimeAt } from "../time/zone";
import type { Bin } from "./charts";
import type { Series, Stack } from "./chartsSeries";
import { rfc3339 } from "./filters";
import { searchOf } from "./route";

export const COST_CARDS = ["days", "services", "cameras", "saved"] as const;
export type CostCard = (typeof COST_CARDS)[number];

export interface CostsChoice {
  /** "2026-11"; null: the one that it is. */
  month: string | null;
  /** The cards that are shown as tables. */
  tables: readonly CostCard[];
}

const MONTH = /^\d{4}-(0[1-9]|1[0-2])$/;

export function costsChoice(params: URLSearchParams): CostsChoice {
  const month = params.get("month");
  const asked = (params.get("table") ?? "").split(",");
  return { month: month && MONTH.test(month) ? month : null, tables: COST_CARDS.filter((each) => asked.includes(each)) };
}

/** The inverse of costsChoice. */
export function costsSearch({ month, tables }: CostsChoice): string {
  return searchOf("costs", { month, table: tables.join(",") });
}

export function monthAt(utcMs: number, zone: string): string {
  const { year, month } = wallTimeAt(utcMs, zone);
  return `${year}-${String(month).padStart(2, "0")}`;
}

export function monthBeside(month: string, by: 1 | -1): string {
  const [year, number] = month.split("-").map(Number) as [number, number];
  const months = year * 12 + number - 1 + by;
  return `${String(Math.floor(months / 12)).padStart(4, "0")}-${String((months % 12) + 1).padStart(2, "0")}`;
}

/** When a day of the site begins. day: "2026-11-21". */
export function dayStartMs(day: string, zone: string): number {
  const [year, month, date] = day.split("-").map(Number) as [number, number, number];
  const meaning = instantsOf({ year, month, day: date, hour: 0, minute: 0, second: 0 }, zone);
  if (meaning.kind === "once") return meaning.utcMs;
  return meaning.kind === "twice" ? meaning.earlierMs : meaning.resumesMs;
}

/** Every day of the month, also those to come: bars keep their place. */
export function dayBins({ month, ends }: Pick<Costs, "month" | "ends">, zone: string): Bin[] {
  const endMs = Date.parse(ends);
  const bins: Bin[] = [];
  for (let date = 1; date <= 31; date += 1) {
    const fromMs = dayStartMs(`${month.slice(0, 8)}${String(date).padStart(2, "0")}`, zone);
    if (fromMs >= endMs) break;
    const last = bins.at(-1);
    if (last) last.toMs = fromMs;
    bins.push({ fromMs, toMs: endMs });
  }
  return bins;
}

/** The `top` dearest services of the month, dearest first, then the others as one. */
export function daysStack({ by_day, by_service }: Pick<SiteCosts, "by_day" | "by_service">, bins: number, top: number): Stack {
  const used = by_service.filter(({ month_usd }) => month_usd > 0).map(({ service }) => service);
  const named = used.length === top + 1 ? used : used.slice(0, top);
  const values = (of: (services: Record<string, number>) => number) => {
    const found = Array.from({ length: bins }, () => 0);
    for (const { day, by_service: services } of by_day) found[Number(day.slice(8)) - 1] = of(services);
    return found;
  };
  const series: Series[] = named.map((key) => seriesOf(key, values((services) => services[key] ?? 0)));
  if (named.length < used.length) {
    const rest = used.slice(named.length);
    series.push(seriesOf(null, values((services) => sum(rest.map((key) => services[key] ?? 0)))));
  }
  const totals = Array.from({ length: bins }, (_, bin) => sum(series.map((each) => each.values[bin]!)));
  return { series, totals, total: sum(totals) };
}

function seriesOf(key: string | null, values: number[]): Series {
  return { key, values, total: sum(values) };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}

export interface Totals {
  todayUsd: number | null;
  monthUsd: number;
  forecastUsd: number | null;
  alerts: number;
  /** null without an alert. */
  usdPerAlert: number | null;
  imagesAnalysed: number;
  /** Calls beyond one for each picture. */
  repeated: number;
}

/** Of the site; for who may not see all of it, of the cameras that are there. */
export function totalsOf({ site, cameras }: Pick<Costs, "site" | "cameras">): Totals {
  const ofAll = (usd: (camera: CameraCosts) => number | null): number | null =>
    cameras.reduce<number | null>((all, camera) => {
      const one = usd(camera);
      return all === null || one === null ? null : all + one;
    }, 0);
  const monthUsd = site ? site.month_usd : sum(cameras.map(({ month_usd }) => month_usd));
  const alerts = sum(cameras.map((camera) => camera.alerts));
  const imagesAnalysed = sum(cameras.map(({ images_analysed }) => images_analysed));
  const billed = sum(cameras.map(({ images_billed }) => images_billed));
  return {
    todayUsd: site ? site.today_usd : ofAll(({ today_usd }) => today_usd),
    monthUsd,
    forecastUsd: site ? site.forecast_usd : ofAll(({ forecast_usd }) => forecast_usd),
    alerts,
    usdPerAlert: alerts ? monthUsd / alerts : null,
    imagesAnalysed,
    // What was analysed is counted a little later than what was billed for it, or sooner.
    repeated: Math.max(billed - imagesAnalysed, 0),
  };
}

export interface SavedRow {
  by: Saver;
  frames: number;
  usd: number;
}

/** Of all cameras, the most first; what kept nothing back is left out. */
export function savedRows(cameras: readonly CameraCosts[]): SavedRow[] {
  const rows = new Map<Saver, SavedRow>();
  for (const { by, frames, usd } of cameras.flatMap(({ saved }) => saved)) {
    const before = rows.get(by) ?? { by, frames: 0, usd: 0 };
    rows.set(by, { by, frames: before.frames + frames, usd: before.usd + usd });
  }
  return [...rows.values()].filter(({ frames }) => frames > 0).sort((a, b) => b.usd - a.usd || b.frames - a.frames);
}

/** 0..1 for a bar; null where nothing is to be measured by. */
export function shareOf(usd: number | null, budget: number | null | undefined): number | null {
  if (usd === null || budget == null || budget <= 0) return null;
  return usd / budget;
}

const HOUR_MS = 3_600_000;
export const LIFTED_FOR_HOURS = 8;

/** camera: null for all of them. step: null ends what was set, and has no hours. */
export function budgetRequest(step: StepName | null, hours: number, camera: string | null, nowMs: number): BudgetRequest {
  const until = step === null ? {} : { until: rfc3339(nowMs + hours * HOUR_MS) };
  return { step, ...until, ...(camera === null ? {} : { camera }) };
}
