import { describe, expect, it } from "vitest";
import type { CameraStep } from "../api/types";
import { bannerLines, tileBudget } from "./budget";

const ZONE = "Europe/Madrid";
const NOW = Date.parse("2026-11-21T12:00:00Z");
const step = (change: Partial<CameraStep> = {}): CameraStep => ({
  step: "slower",
  cause: "site-month",
  since: "2026-11-20T08:00:00Z",
  until: "2026-11-30T23:00:00Z",
  ...change,
});

describe("a camera's tile", () => {
  it("says what is given up and until when, a midnight of the site by its day", () => {
    expect(tileBudget(step(), NOW, ZONE)).toBe("Budget: samples 4 times less often until 1 Dec");
    expect(tileBudget(step({ until: "2026-11-21T17:00:00Z" }), NOW, ZONE)).toMatch(/until 18:00 CET$/);
    expect(tileBudget(step({ until: "2026-11-22T17:00:00Z" }), NOW, ZONE)).toMatch(/until 22 Nov, 18:00 CET$/);
  });

  it("says nothing once that is over, where an administrator has lifted it, and of an API that knows no budget", () => {
    expect(tileBudget(step({ until: "2026-11-21T12:00:00Z" }), NOW, ZONE)).toBe("");
    expect(tileBudget(step({ step: "full", cause: "set" }), NOW, ZONE)).toBe("");
    expect(tileBudget(undefined, NOW, ZONE)).toBe("");
  });
});

describe("the wall's banner", () => {
  it("has one sentence where all cameras share a step", () => {
    expect(bannerLines([{ budget: step() }, { budget: step() }], NOW, ZONE)).toEqual([
      "Budget: all cameras sample 4 times less often until 1 Dec. Every picture is kept.",
    ]);
  });

  it("names what gives up most first, and counts cameras apart that share no end", () => {
    const cameras = [{ budget: step() }, { budget: step({ step: "keep-only" }) }, { budget: null }, { budget: step() }];
    expect(bannerLines(cameras, NOW, ZONE)).toEqual([
      "Budget: 1 camera keeps pictures and analyses none until 1 Dec. Every picture is kept.",
      "Budget: 2 cameras sample 4 times less often until 1 Dec. Every picture is kept.",
    ]);
    expect(bannerLines([{ budget: null }], NOW, ZONE)).toEqual([]);
  });
});
