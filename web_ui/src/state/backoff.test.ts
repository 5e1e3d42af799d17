import { expect, it } from "vitest";
import { BACKOFF_MAX_MS, backoffMs } from "./backoff";

it("doubles from one second and stops at half a minute", () => {
  expect([1, 2, 3, 4, 5, 6, 7, 100].map((n) => backoffMs(n, () => 0))).toEqual([
    1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000,
  ]);
});

it("spreads by up to a fifth, downwards", () => {
  expect(backoffMs(4, () => 1)).toBeCloseTo(6_400);
});

it("waits at least as long as the server asked, within reason", () => {
  expect(backoffMs(1, () => 0, 12_000)).toBe(12_000);
  expect(backoffMs(1, () => 0, 3_600_000)).toBe(2 * BACKOFF_MAX_MS);
});
