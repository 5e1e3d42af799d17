import { describe, expect, it } from "vitest";
import { inputValueAt, instantsOf, isTimeZone, parseInputValue, siteTimeAt, wallTimeAt, zoneAbbreviation, zoneOffsetMs } from "./zone";

const utc = (text: string) => Date.parse(text);
const meaning = (value: string, zone: string) => instantsOf(parseInputValue(value)!, zone);
const HOUR_MS = 3_600_000;

describe("Europe/Madrid", () => {
  const zone = "Europe/Madrid";

  it("reads a plain winter and summer wall time", () => {
    expect(meaning("2026-01-15T13:00", zone)).toEqual({ kind: "once", utcMs: utc("2026-01-15T12:00:00Z") });
    expect(meaning("2026-07-15T13:00", zone)).toEqual({ kind: "once", utcMs: utc("2026-07-15T11:00:00Z") });
  });

  it("knows the hour that spring skips, and when it resumes", () => {
    const resumesMs = utc("2026-03-29T01:00:00Z");
    expect(meaning("2026-03-29T02:00", zone)).toEqual({ kind: "skipped", resumesMs });
    expect(meaning("2026-03-29T02:59", zone)).toEqual({ kind: "skipped", resumesMs });
    expect(meaning("2026-03-29T01:59", zone)).toEqual({ kind: "once", utcMs: utc("2026-03-29T00:59:00Z") });
    expect(meaning("2026-03-29T03:00", zone)).toEqual({ kind: "once", utcMs: resumesMs });
  });

  it("knows both passes of the hour that autumn doubles", () => {
    expect(meaning("2026-10-25T02:30", zone)).toEqual({
      kind: "twice",
      earlierMs: utc("2026-10-25T00:30:00Z"),
      laterMs: utc("2026-10-25T01:30:00Z"),
    });
    expect(meaning("2026-10-25T01:59", zone)).toEqual({ kind: "once", utcMs: utc("2026-10-24T23:59:00Z") });
    expect(meaning("2026-10-25T03:00", zone)).toEqual({ kind: "once", utcMs: utc("2026-10-25T02:00:00Z") });
  });

  it("names the two passes apart", () => {
    expect(zoneAbbreviation(utc("2026-10-25T00:30:00Z"), zone)).toBe("CEST");
    expect(zoneAbbreviation(utc("2026-10-25T01:30:00Z"), zone)).toBe("CET");
  });
});

describe("America/New_York", () => {
  const zone = "America/New_York";

  it("knows the hour that spring skips", () => {
    expect(meaning("2026-03-08T02:30", zone)).toEqual({ kind: "skipped", resumesMs: utc("2026-03-08T07:00:00Z") });
    expect(meaning("2026-03-08T01:59", zone)).toEqual({ kind: "once", utcMs: utc("2026-03-08T06:59:00Z") });
  });

  it("knows both passes of the hour that autumn doubles", () => {
    expect(meaning("2026-11-01T01:30", zone)).toEqual({
      kind: "twice",
      earlierMs: utc("2026-11-01T05:30:00Z"),
      laterMs: utc("2026-11-01T06:30:00Z"),
    });
    expect(zoneAbbreviation(utc("2026-11-01T05:30:00Z"), zone)).toBe("EDT");
    expect(zoneAbbreviation(utc("2026-11-01T06:30:00Z"), zone)).toBe("EST");
  });
});

describe("every half hour of a year", () => {
  // Half-hour changes, quarter-hour offsets, far sides of the date line, and a zone that never changes.
  for (const zone of ["Europe/Madrid", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia", "UTC"]) {
    it(`${zone}: an instant is among the meanings of its own wall time`, () => {
      let doubled = 0;
      for (let ms = utc("2026-01-01T00:00:00Z"); ms < utc("2027-01-01T00:00:00Z"); ms += HOUR_MS / 2) {
        const found = instantsOf(wallTimeAt(ms, zone), zone);
        if (found.kind === "twice") {
          doubled += 1;
          if (ms !== found.earlierMs && ms !== found.laterMs) expect.fail(new Date(ms).toISOString());
        } else if (found.kind !== "once" || found.utcMs !== ms) expect.fail(`${new Date(ms).toISOString()} ${found.kind}`);
      }
      // Each doubled half hour is met twice: once in each pass.
      expect(doubled).toBe({ "Europe/Madrid": 4, "America/New_York": 4, "Australia/Lord_Howe": 2 }[zone] ?? 0);
    });
  }
});

describe("what is shown", () => {
  it("is site time in words and letters", () => {
    expect(siteTimeAt(utc("2026-11-21T03:17:13.123456Z"), "Europe/Madrid")).toEqual({
      time: "04:17:13",
      timeToMinute: "04:17",
      date: "21 Nov 2026",
      longDate: "Saturday 21 November 2026",
      zone: "CET",
    });
  });

  it("puts a frame before local midnight on its own day", () => {
    expect(siteTimeAt(utc("2026-11-21T03:17:00Z"), "America/New_York").longDate).toBe("Friday 20 November 2026");
  });

  it("says midnight as 00, never 24", () => {
    expect(siteTimeAt(utc("2026-01-14T23:00:00Z"), "Europe/Madrid").time).toBe("00:00:00");
  });

  it("falls back to an offset for a zone without letters", () => {
    expect(zoneAbbreviation(utc("2026-01-01T00:00:00Z"), "Asia/Kathmandu")).toMatch(/5:45/);
  });
});

describe("input values", () => {
  it("make the way there and back", () => {
    expect(inputValueAt(utc("2026-07-15T11:05:59Z"), "Europe/Madrid")).toBe("2026-07-15T13:05");
    expect(parseInputValue("2026-07-15T13:05")).toEqual({ year: 2026, month: 7, day: 15, hour: 13, minute: 5, second: 0 });
  });

  it("refuse what is no date", () => {
    for (const value of ["", "today", "2026-02-30T10:00", "2026-01-01T25:00"]) expect(parseInputValue(value)).toBeNull();
  });
});

it("offsets hold at instants before 1970 and between seconds", () => {
  expect(zoneOffsetMs(utc("1969-07-20T20:17:40.500Z"), "UTC")).toBe(0);
  expect(zoneOffsetMs(utc("2026-07-20T20:17:40.500Z"), "Europe/Madrid")).toBe(2 * HOUR_MS);
});

it("a zone that nobody knows is told apart", () => {
  expect(isTimeZone("Europe/Madrid")).toBe(true);
  expect(isTimeZone("Mars/Olympus")).toBe(false);
});
