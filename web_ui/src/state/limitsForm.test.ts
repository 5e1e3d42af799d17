import { describe, expect, it } from "vitest";
import { EMPTY_FORM, requestOf } from "./limitsForm";

const NOW_MS = Date.parse("2026-11-21T12:00:00Z");

describe("what is typed about limits", () => {
  it("asks only for what was given, from now on for as long as chosen", () => {
    expect(requestOf({ ...EMPTY_FORM, perDay: " 200 ", hours: 24 }, NOW_MS)).toEqual({
      request: { until: "2026-11-22T12:00:00Z", per_day: 200 },
    });
    expect(requestOf({ ...EMPTY_FORM, perHour: "0", usd: "12,50" }, NOW_MS)).toEqual({
      request: { until: "2026-11-21T20:00:00Z", per_contact_and_hour: 0, monthly_budget_usd: 12.5 },
    });
  });

  it("says what is wrong with it", () => {
    expect(requestOf(EMPTY_FORM, NOW_MS)).toEqual({ wrong: "Give at least one number." });
    expect(requestOf({ ...EMPTY_FORM, perDay: "1e3" }, NOW_MS)).toEqual({ wrong: "Texts a day: a whole number from 0 to 10000." });
    expect(requestOf({ ...EMPTY_FORM, perHour: "201" }, NOW_MS)).toHaveProperty("wrong");
    expect(requestOf({ ...EMPTY_FORM, usd: "-1" }, NOW_MS)).toHaveProperty("wrong");
  });
});
