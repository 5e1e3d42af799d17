import { expect, it } from "vitest";
import { siteTimeAt } from "../time/zone";
import { axisOf, timeAt, xOf } from "./timelineScale";
import { DAY_MS, HOUR_MS, MAX_SPAN_MS, MIN_SPAN_MS, MINUTE_MS } from "./timelineWindow";

const utc = (text: string) => Date.parse(text);
const spanFrom = (from: string, spanMs: number) => ({ fromMs: utc(from), toMs: utc(from) + spanMs });
const said = (from: string, spanMs: number, zone: string, widthPx = 1000) =>
  axisOf(spanFrom(from, spanMs), widthPx, zone).ticks.map(({ words, zone: letters }) => (letters ? `${words} ${letters}` : words));

it("an hour that comes twice has its ticks in both passes, each with its letters", () => {
  expect(said("2026-10-24T22:30:00Z", 5 * HOUR_MS, "Europe/Madrid", 600)).toEqual(["01:00", "02:00 CEST", "02:00 CET", "03:00", "04:00"]);
  expect(said("2026-11-01T04:30:00Z", 4 * HOUR_MS, "America/New_York", 500)).toEqual(["01:00 EDT", "01:00 EST", "02:00", "03:00"]);
  const { changes, ticks } = axisOf(spanFrom("2026-10-24T22:30:00Z", 5 * HOUR_MS), 600, "Europe/Madrid");
  expect(changes).toEqual([{ atMs: utc("2026-10-25T01:00:00Z"), byMs: -HOUR_MS, before: "CEST", after: "CET" }]);
  // An hour is an hour, also the second time.
  expect(ticks.map(({ atMs }) => atMs).slice(1, 3)).toEqual([utc("2026-10-25T00:00:00Z"), utc("2026-10-25T01:00:00Z")]);
});

it("a skipped hour has no ticks, and the first one after it says which clock counts now", () => {
  expect(said("2026-03-28T23:30:00Z", 4 * HOUR_MS, "Europe/Madrid", 500)).toEqual(["01:00", "03:00 CEST", "04:00", "05:00"]);
  expect(said("2026-03-08T05:30:00Z", 3 * HOUR_MS, "America/New_York", 520)).toEqual(["00:30", "01:00", "01:30", "03:00 EDT", "03:30", "04:00"]);
});

it("a midnight that the clocks skip is marked when the day begins", () => {
  const { ticks } = axisOf(spanFrom("2026-09-05T03:30:00Z", 2 * DAY_MS), 400, "America/Santiago");
  expect(ticks.filter(({ isDay }) => isDay).map(({ atMs }) => siteTimeAt(atMs, "America/Santiago").time)).toEqual(["00:00:00", "01:00:00", "00:00:00"]);
});

it("a zone off the hour has its ticks on its own hours", () => {
  expect(said("2026-06-01T00:00:00Z", 3 * HOUR_MS, "Asia/Kolkata", 300)).toEqual(["06:00", "07:00", "08:00"]);
});

it("from a month to a minute, in every week of a year, ticks are in order, apart, inside and on round times", () => {
  for (const zone of ["Europe/Madrid", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]) {
    for (const spanMs of [MIN_SPAN_MS, 10 * MINUTE_MS, HOUR_MS, 7 * HOUR_MS, DAY_MS, 9 * DAY_MS, MAX_SPAN_MS]) {
      for (let fromMs = utc("2026-01-01T00:17:23Z"); fromMs < utc("2027-01-01T00:00:00Z"); fromMs += 7 * DAY_MS + HOUR_MS) {
        const window = { fromMs, toMs: fromMs + spanMs };
        const { ticks } = axisOf(window, 900, zone);
        expect(ticks.length).toBeGreaterThan(2);
        expect(ticks.length).toBeLessThan(13);
        ticks.forEach(({ atMs, isDay }, index) => {
          const before = ticks[index - 1];
          if (before && xOf(atMs, window, 900) - xOf(before.atMs, window, 900) < 75) expect.fail(`${zone} ${spanMs} ${new Date(atMs).toISOString()}`);
          if (atMs < window.fromMs || atMs >= window.toMs) expect.fail("outside");
          const { time } = siteTimeAt(atMs, zone);
          if (spanMs >= 9 * DAY_MS && !(isDay && time === "00:00:00")) expect.fail(`${zone} ${time}`);
          if (spanMs >= HOUR_MS && !time.endsWith(":00")) expect.fail(`${zone} ${time}`);
        });
      }
    }
  }
});

it("two ticks never say the same words", () => {
  for (const [zone, at] of [["Europe/Madrid", "2026-10-25T01:00:00Z"], ["America/New_York", "2026-11-01T06:00:00Z"]] as const) {
    for (const spanMs of [20 * MINUTE_MS, 3 * HOUR_MS, 8 * HOUR_MS]) {
      const { ticks } = axisOf({ fromMs: utc(at) - spanMs / 2, toMs: utc(at) + spanMs / 2 }, 700, zone);
      const words = ticks.map(({ words, zone: letters }) => `${words} ${letters}`);
      expect(new Set(words).size).toBe(words.length);
    }
  }
});

it("a pixel and its instant are each other's", () => {
  const window = spanFrom("2026-11-21T00:00:00Z", DAY_MS);
  for (const x of [0, 1, 333, 1000]) expect(xOf(timeAt(x, window, 1000), window, 1000)).toBeCloseTo(x);
});
