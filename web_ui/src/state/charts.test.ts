import { expect, it } from "vitest";
import {
  binAt,
  binWords,
  chartsChoice,
  chartsSearch,
  gather,
  HOUR_MS,
  newestBins,
  PLANS,
  timeTicks,
  valueTicks,
  zonesOf,
} from "./charts";

const MADRID = "Europe/Madrid";
// 04:30 in Madrid, two hours and a half after the clocks went back from 03:00 CEST to 02:00 CET.
const AFTER_DOUBLED_MS = Date.parse("2026-10-25T03:30:00Z");
const iso = (ms: number) => new Date(ms).toISOString().slice(0, 16);

it("a choice survives the address and back, and what makes no sense is the default", () => {
  const choice = { span: "7d", camera: "yard & co", tables: ["detections", "latency"] } as const;
  expect(chartsChoice(new URLSearchParams(chartsSearch(choice)))).toEqual(choice);
  expect(chartsChoice(new URLSearchParams("last=9y&table=prices&camera="))).toEqual({ span: "24h", camera: null, tables: [] });
});

it("the newest hour is the one under way, and the doubled hour is two bars", () => {
  const bins = newestBins(PLANS["24h"], AFTER_DOUBLED_MS, MADRID);
  expect(bins).toHaveLength(24);
  expect(bins.every(({ fromMs, toMs }) => toMs - fromMs === HOUR_MS)).toBe(true);
  expect(bins.slice(-5).map((bin) => binWords(bin, 1, MADRID))).toEqual([
    "25 Oct 2026, 01:00 to 02:00 CEST",
    "25 Oct 2026, 02:00 CEST to 02:00 CET",
    "25 Oct 2026, 02:00 to 03:00 CET",
    "25 Oct 2026, 03:00 to 04:00 CET",
    "25 Oct 2026, 04:00 to 05:00 CET",
  ]);
  expect(zonesOf(bins, MADRID)).toEqual(["CEST", "CET"]);
});

it("a day of the clock change is 25 or 23 hours long, and no instant is in two bars or in none", () => {
  const autumn = newestBins(PLANS["30d"], AFTER_DOUBLED_MS, MADRID);
  const spring = newestBins(PLANS["30d"], Date.parse("2026-03-29T12:10:00Z"), MADRID);
  const lastHours = (bins: typeof autumn) => (bins.at(-1)!.toMs - bins.at(-1)!.fromMs) / HOUR_MS;
  expect([lastHours(autumn), lastHours(spring)]).toEqual([25, 23]);
  for (const bins of [autumn, newestBins(PLANS["7d"], AFTER_DOUBLED_MS, MADRID)]) {
    bins.slice(1).forEach((bin, n) => expect(bin.fromMs).toBe(bins[n]!.toMs));
  }
  expect(iso(autumn.at(-1)!.fromMs)).toBe("2026-10-24T22:00");
  expect(iso(autumn[0]!.fromMs)).toBe("2026-09-25T22:00");
});

it("three hours of the wall clock are four where one comes twice", () => {
  const bins = newestBins(PLANS["7d"], AFTER_DOUBLED_MS, MADRID);
  expect(bins).toHaveLength(56);
  expect(binWords(bins.at(-2)!, 3, MADRID)).toBe("25 Oct 2026, 00:00 CEST to 03:00 CET");
  expect(bins.at(-2)!.toMs - bins.at(-2)!.fromMs).toBe(4 * HOUR_MS);
  expect(binWords(bins.at(-1)!, 3, MADRID)).toBe("25 Oct 2026, 03:00 to 06:00 CET");
});

it("an instant is in the bar that begins at it, and in none outside", () => {
  const bins = newestBins(PLANS["24h"], AFTER_DOUBLED_MS, MADRID);
  expect(binAt(bins, bins[7]!.fromMs)).toBe(7);
  expect(binAt(bins, bins[7]!.toMs - 1)).toBe(7);
  expect(binAt(bins, bins[0]!.fromMs - 1)).toBe(-1);
  expect(binAt(bins, bins[23]!.toMs)).toBe(-1);
  expect(binAt([], 0)).toBe(-1);
});

it("labels of time are as many as fit, and the hour that comes twice says which it is", () => {
  const bins = newestBins(PLANS["24h"], AFTER_DOUBLED_MS, MADRID);
  const all = timeTicks(bins, 1, 30, MADRID);
  expect(all.map(({ time }) => time).slice(-4)).toEqual(["02:00 CEST", "02:00 CET", "03:00", "04:00"]);
  expect(all.filter(({ date }) => date).map(({ date }) => date)).toEqual(["24 Oct", "25 Oct"]);
  for (const most of [2, 5, 9, 13]) expect(timeTicks(bins, 1, most, MADRID).length).toBeLessThanOrEqual(most);
  const days = timeTicks(newestBins(PLANS["7d"], AFTER_DOUBLED_MS, MADRID), 3, 9, MADRID);
  expect(days.map(({ date }) => date)).toEqual(["19 Oct", "20 Oct", "21 Oct", "22 Oct", "23 Oct", "24 Oct", "25 Oct"]);
  expect(timeTicks(newestBins(PLANS["30d"], AFTER_DOUBLED_MS, MADRID), 24, 6, MADRID).map(({ date }) => date)).toEqual([
    "30 Sep",
    "5 Oct",
    "10 Oct",
    "15 Oct",
    "20 Oct",
    "25 Oct",
  ]);
});

it("ticks of a count are whole, even, few, and reach over the highest bar", () => {
  expect(valueTicks(0)).toEqual([0, 1]);
  expect(valueTicks(1)).toEqual([0, 1]);
  expect(valueTicks(3)).toEqual([0, 1, 2, 3]);
  expect(valueTicks(7)).toEqual([0, 2, 4, 6, 8]);
  expect(valueTicks(1234)).toEqual([0, 500, 1000, 1500]);
  for (const max of [2, 9, 10, 11, 99, 100, 4321, 1e6]) {
    const ticks = valueTicks(max);
    expect(ticks.at(-1)).toBeGreaterThanOrEqual(max);
    expect(ticks.length).toBeLessThanOrEqual(6);
    expect(ticks.every(Number.isInteger)).toBe(true);
  }
});

it("a listing is read page by page, and no further than allowed", async () => {
  const pages = (count: number) => async (cursor: string | null) => {
    const page = Number(cursor ?? 0);
    return { rows: [page], next: page + 1 < count ? String(page + 1) : null };
  };
  expect(await gather(pages(3), 10)).toEqual({ rows: [0, 1, 2], cut: false });
  expect(await gather(pages(3), 2)).toEqual({ rows: [0, 1], cut: true });
});
