import { describe, expect, it } from "vitest";
import type { CameraCosts, Costs } from "../api/types";
import { budgetRequest, costsChoice, costsSearch, dayBins, daysStack, monthAt, monthBeside, savedRows, shareOf, totalsOf } from "./costs";

const ZONE = "Europe/Madrid";

function camera(id: string, change: Partial<CameraCosts> = {}): CameraCosts {
  return {
    camera_id: id,
    name: id,
    today_usd: 0.5,
    month_usd: 10,
    own_usd: 8,
    forecast_usd: 15,
    frames: 1000,
    images_analysed: 900,
    images_billed: 903,
    alerts: 4,
    usd_per_alert: 2.5,
    saved: [],
    budget: null,
    critical: false,
    step: null,
    next_step: "slower",
    ...change,
  };
}

const SITE: NonNullable<Costs["site"]> = {
  today_usd: 2,
  month_usd: 30,
  forecast_usd: 42,
  standing_usd: 9,
  by_service: [
    { service: "Rekognition", today_usd: 1.5, month_usd: 20 },
    { service: "Kinesis", today_usd: 0.5, month_usd: 8 },
    { service: "S3", today_usd: 0, month_usd: 1.5 },
    { service: "SQS", today_usd: 0, month_usd: 0.5 },
    { service: "Cognito", today_usd: 0, month_usd: 0 },
  ],
  by_day: [
    { day: "2026-11-01", usd: 10, by_service: { Rekognition: 7, Kinesis: 2, S3: 0.5, SQS: 0.5 } },
    { day: "2026-11-03", usd: 1, by_service: { Rekognition: 1 } },
  ],
  budget: null,
};

describe("the address", () => {
  it("is kept as it is read, and leaves out what names no month", () => {
    const choice = { month: "2026-10", tables: ["days", "saved"] } as const;
    expect(costsChoice(new URLSearchParams(costsSearch(choice)))).toEqual(choice);
    expect(costsChoice(new URLSearchParams("month=2026-13&table=none"))).toEqual({ month: null, tables: [] });
  });

  it("goes from month to month over the turn of a year", () => {
    expect(monthBeside("2026-12", 1)).toBe("2027-01");
    expect(monthBeside("2026-01", -1)).toBe("2025-12");
    expect(monthAt(Date.parse("2026-11-30T23:30:00Z"), ZONE)).toBe("2026-12");
  });
});

describe("the days of a month", () => {
  it("are the site's: 25 hours where the clocks go back, and all there from the beginning", () => {
    const bins = dayBins({ month: "2026-10-01", ends: "2026-10-31T23:00:00Z" }, ZONE);
    expect(bins).toHaveLength(31);
    expect(bins[24]!.toMs - bins[24]!.fromMs).toBe(25 * 3_600_000);
    expect(bins.at(-1)!.toMs).toBe(Date.parse("2026-10-31T23:00:00Z"));
    expect(dayBins({ month: "2026-11-01", ends: "2026-11-30T23:00:00Z" }, ZONE)).toHaveLength(30);
  });

  it("hold each service's part, those beyond the dearest as one, and nothing that costs nothing", () => {
    const stack = daysStack(SITE, 30, 2);
    expect(stack.series.map(({ key, total }) => [key, total])).toEqual([["Rekognition", 8], ["Kinesis", 2], [null, 1]]);
    expect([stack.totals[0], stack.totals[1], stack.totals[2], stack.total]).toEqual([10, 0, 1, 11]);
  });
});

describe("the totals", () => {
  it("are the site's; who may not see all of it gets the sum of the cameras that are there", () => {
    const cameras = [camera("a"), camera("b", { forecast_usd: null })];
    expect(totalsOf({ site: SITE, cameras })).toMatchObject({ todayUsd: 2, monthUsd: 30, forecastUsd: 42, usdPerAlert: 3.75, repeated: 6 });
    expect(totalsOf({ site: null, cameras })).toMatchObject({ todayUsd: 1, monthUsd: 20, forecastUsd: null, usdPerAlert: 2.5 });
  });

  it("divide by no alert, and count no call less than once", () => {
    const totals = totalsOf({ site: SITE, cameras: [camera("a", { alerts: 0, images_billed: 899 })] });
    expect([totals.usdPerAlert, totals.repeated]).toEqual([null, 0]);
  });
});

it("adds up what was saved over all cameras, the most first", () => {
  const saved = [
    { by: "screen", frames: 0, usd: 0 },
    { by: "gate", frames: 10, usd: 0.01 },
  ] as const;
  const rows = savedRows([camera("a", { saved: [...saved] }), camera("b", { saved: [{ by: "near-duplicates", frames: 9, usd: 0.4 }, saved[1]] })]);
  expect(rows).toEqual([
    { by: "near-duplicates", frames: 9, usd: 0.4 },
    { by: "gate", frames: 20, usd: 0.02 },
  ]);
});

it("measures by no budget of nothing", () => {
  expect(shareOf(3, 4)).toBe(0.75);
  expect([shareOf(null, 4), shareOf(3, null), shareOf(3, 0)]).toEqual([null, null, null]);
});

it("asks for a step of one camera or of all, until a time", () => {
  const nowMs = Date.parse("2026-11-21T12:00:00Z");
  expect(budgetRequest("full", 8, "yard", nowMs)).toEqual({ step: "full", until: "2026-11-21T20:00:00Z", camera: "yard" });
  expect(budgetRequest(null, 0, null, nowMs)).toEqual({ step: null });
});
