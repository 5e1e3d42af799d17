import { expect, it } from "vitest";
import { ageWords, durationWords, wholePercent } from "./words";

const MINUTE = 60_000;

it("durations use whole units, rounded down", () => {
  expect([12_900, 59_999, MINUTE, 3 * MINUTE, 125 * MINUTE, 120 * MINUTE, 72 * 60 * MINUTE].map(durationWords)).toEqual([
    "12 s",
    "59 s",
    "1 min",
    "3 min",
    "2 h 5 min",
    "2 h",
    "3 days",
  ]);
});

it("an age from the future says so instead of looking fresh", () => {
  expect(ageWords(-3 * MINUTE)).toBe("3 min in the future");
  expect(ageWords(-1_000)).toBe("just now");
  expect(ageWords(12_000)).toBe("12 s ago");
});

it("a percentage never rounds up over a limit", () => {
  expect(wholePercent(79.96)).toBe("79%");
});
