import { expect, it } from "vitest";
import { ApiProblem } from "../api/client";
import type { Snooze } from "../api/types";
import { cameraWords, holding, leftWords, whyNotEnded } from "./snoozeList";

const NOW_MS = Date.parse("2026-11-21T03:20:00Z");
const snooze = (change: Partial<Snooze> = {}): Snooze => ({
  rule_id: "porch",
  scope: "group:outside",
  camera_ids: ["door", "gone"],
  until: "2026-11-21T03:50:00Z",
  by: "user:ana",
  name: "ana",
  is_you: false,
  ...change,
});

it("lists what ends first first, and not what was ended here", () => {
  const late = snooze({ rule_id: "late", until: "2026-11-21T05:00:00Z" });
  expect(holding([late, snooze()], new Set())).toEqual([snooze(), late]);
  const ended = new Set(["porch group:outside 2026-11-21T03:50:00Z"]);
  expect(holding([late, snooze()], ended)).toEqual([late]);
  // Snoozed anew, it is another.
  expect(holding([snooze({ until: "2026-11-21T04:00:00Z" })], ended)).toHaveLength(1);
});

it("names its cameras, and how long it still holds", () => {
  expect(cameraWords(snooze(), [{ camera_id: "door", name: "Front door", group: null, zones: [] }])).toBe("Front door, gone");
  expect(cameraWords(snooze({ camera_ids: [] }), [])).toBe("no camera of the site any more");
  expect([leftWords(snooze(), NOW_MS), leftWords(snooze(), NOW_MS + 1_800_000)]).toEqual(["30 min left", "over now"]);
});

it("says why one was not ended", () => {
  expect(whyNotEnded(new ApiProblem("refused", "x", 403))).toMatch(/^Only an admin/);
  expect(whyNotEnded(new ApiProblem("refused", "x", 400))).toBe("Framewatch refused it: x");
  expect(whyNotEnded(new ApiProblem("unreachable", "x"))).toBe("Framewatch cannot be reached.");
});
