import { expect, test } from "vitest";
import { Chords, PAIR_MS } from "./keys";

const KEYS = ["g w", "g r", "w", "?"].map((press) => ({ press }));
const pressed = (chords: Chords, key: string, atMs: number) => chords.press(key, atMs, KEYS)?.press ?? null;

test("two keys one after another are one, in any case of letters", () => {
  const chords = new Chords();
  expect(pressed(chords, "G", 0)).toBeNull();
  expect(pressed(chords, "r", 100)).toBe("g r");
  expect(pressed(chords, "r", 200)).toBeNull();
});

test("a second key that comes too late, or after another, stands alone", () => {
  const chords = new Chords();
  pressed(chords, "g", 0);
  expect(pressed(chords, "w", PAIR_MS + 1)).toBe("w");
  pressed(chords, "g", 5_000);
  expect(pressed(chords, "?", 5_100)).toBe("?");
  expect(pressed(chords, "w", 5_200)).toBe("w");
});

test("what a pair begins with may be pressed twice", () => {
  const chords = new Chords();
  pressed(chords, "g", 0);
  pressed(chords, "g", 100);
  expect(pressed(chords, "w", 200)).toBe("g w");
});
