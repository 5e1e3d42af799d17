import { expect, it } from "vitest";
import type { Analysis, Label } from "../api/types";
import { labelsInWords, noLabelsInShort } from "./labels";
import { frameOf } from "./testing";

const label = (name: string, confidence: number, watch_hit = false): Label => ({ name, confidence, watch_hit, aliases: [], parents: [], categories: [], instances: [] });

it("labels are told with the watched ones first, then by confidence", () => {
  expect(labelsInWords(frameOf(1, { labels: [label("Car", 80), label("Tree", 99), label("Person", 70, true)] }))).toBe("Person 70%, Tree 99%, Car 80%");
});

it("a frame that nobody looked at is not said to show nothing", () => {
  const told = (analysis: Analysis) => [labelsInWords(frameOf(1, { analysis })), noLabelsInShort(frameOf(1, { analysis }))];
  expect(told("analysed")).toEqual(["Nothing recognised", "Nothing recognised"]);
  expect(told("inherited")).toEqual(["Nothing recognised", "Nothing recognised"]);
  expect(told("screened")).toEqual(["Not analysed: the camera's box saw nothing in it that is watched", "Not analysed"]);
  expect(told("budget")).toEqual(["Not analysed: the budget kept it from vision", "Not analysed"]);
});
