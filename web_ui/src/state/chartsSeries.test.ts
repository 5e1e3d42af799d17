import { expect, it } from "vitest";
import type { Alert, Stats, StatsBucket, Withheld } from "../api/types";
import { HOUR_MS, type Bin } from "./charts";
import { alertsStack, busiest, detectionsStack, framesStack, withheldByReason } from "./chartsSeries";

const START_MS = Date.parse("2026-11-21T10:00:00Z");
const BINS: Bin[] = [0, 1, 2].map((n) => ({ fromMs: START_MS + n * HOUR_MS, toMs: START_MS + (n + 1) * HOUR_MS }));

function bucket(hour: number, change: Partial<StatsBucket>): StatsBucket {
  const at = new Date(START_MS + hour * HOUR_MS).toISOString();
  return { at, frames: 0, by_gate_reason: {}, by_analysis: {}, jpeg_bytes: 0, by_label: {}, other_labels: 0, watch_frames: 0, alerts: 0, withheld: 0, edge: null, ...change };
}

function statsOf(...cameras: StatsBucket[][]): Stats {
  return {
    from: "",
    to: "",
    step_s: 3600,
    cameras: cameras.map((buckets, n) => ({ camera_id: `camera-${n}`, buckets })),
    counted_until: null,
  };
}

it("labels are stacked over cameras, the most frequent first and the rest as one", () => {
  const stats = statsOf(
    [bucket(0, { by_label: { Person: 3, Car: 1, Dog: 1, Cat: 1 } }), bucket(2, { by_label: { Car: 7 } })],
    [bucket(0, { by_label: { Person: 1, Bird: 2 } }), bucket(9, { by_label: { Person: 100 } })],
  );
  const stack = detectionsStack(stats, BINS, 2);
  expect(stack.series.map(({ key, values }) => [key, values])).toEqual([
    ["Car", [1, 0, 7]],
    ["Person", [4, 0, 0]],
    [null, [4, 0, 0]],
  ]);
  expect([stack.totals, stack.total]).toEqual([[9, 0, 7], 16]);
});

it("one label over the limit is shown by its name, and a tie goes by name", () => {
  const stats = statsOf([bucket(1, { by_label: { b: 2, a: 2, c: 1, nothing: 0 } })]);
  expect(detectionsStack(stats, BINS, 2).series.map(({ key }) => key)).toEqual(["a", "b", "c"]);
});

it("labels that the API does not name are among the others", () => {
  const stack = detectionsStack(statsOf([bucket(1, { by_label: { a: 3, b: 2, c: 1 }, other_labels: 4 })]), BINS, 2);
  expect(stack.series.map(({ key, total }) => [key, total])).toEqual([
    ["a", 3],
    ["b", 2],
    [null, 5],
  ]);
});

it("a label called like a property of every object is a label", () => {
  const by_label = JSON.parse('{"__proto__": 3, "constructor": 2}') as Record<string, number>;
  expect(detectionsStack(statsOf([bucket(0, { by_label })]), BINS, 5).series.map(({ key }) => key)).toEqual(["__proto__", "constructor"]);
});

it("a box that does not say what it kept back is counted as silent, never as nought", () => {
  const stats = statsOf(
    [bucket(0, { frames: 4, edge: { read: 100, sampled: 10, gated: 6 } }), bucket(1, { frames: 2 })],
    [bucket(0, { frames: 5 }), bucket(2, { frames: 0 })],
  );
  const stack = framesStack(stats, BINS);
  expect(stack.series.map(({ key, values }) => [key, values])).toEqual([
    ["sent", [9, 2, 0]],
    ["gated", [6, 0, 0]],
  ]);
  expect([stack.silent, stack.unknown]).toEqual([[1, 1, 0], [false, true, false]]);
});

it("alerts are counted by what became of them, and a rule that gave none for a visit once", () => {
  const at = (minute: number) => new Date(START_MS + minute * 60_000).toISOString();
  const alert = (state: string, minute: number) => ({ state, captured_at: at(minute) }) as Alert;
  const held = (visit_id: string, rule_id: string, minute: number, alerted = false) =>
    ({ visit_id, rule_id, visit_from: at(minute), alerted }) as Withheld;
  const stack = alertsStack(
    [alert("sent", 1), alert("sent", 59), alert("held", 60), alert("failed", 179), alert("sent", 500), alert("joined", 5)],
    [held("v", "r", 61), held("v", "r", 61), held("v", "other", 61), held("w", "r", 0, true), held("x", "r", -1)],
    BINS,
  );
  expect(stack.series.map(({ key, values }) => [key, values])).toEqual([
    ["sent", [2, 0, 0]],
    ["claimed", [0, 0, 0]],
    ["held", [0, 1, 0]],
    ["failed", [0, 0, 1]],
    ["withheld", [0, 2, 0]],
  ]);
  expect(stack.total).toBe(6);
});

it("withheld counts visits and frames by reason, and not where the rule did alert", () => {
  const row = (reason: string, count: number, alerted = false) => ({ reason, count, alerted }) as Withheld;
  expect(withheldByReason([row("stationary", 5), row("too-small", 2), row("too-small", 1), row("late", 9, true)])).toEqual([
    { reason: "too-small", visits: 2, frames: 3 },
    { reason: "stationary", visits: 1, frames: 5 },
  ]);
});

it("the busiest bar is the earliest of the highest, and none of empty ones", () => {
  expect(busiest([1, 5, 5])).toBe(1);
  expect(busiest([0, 0])).toBe(-1);
  expect(busiest([])).toBe(-1);
});
