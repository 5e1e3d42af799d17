// From the API's counts to what is stacked: one number a bin and series. No words, no pixels.

import type { Alert, Latency, Stats, StatsBucket, Withheld } from "../api/types";
import { binAt, type Bin } from "./charts";

export interface Series {
  /** A label, a state; null is all the others. */
  key: string | null;
  values: number[];
  total: number;
}

export interface Stack {
  series: Series[];
  /** A bar's height. */
  totals: number[];
  total: number;
}

function stackOf(series: Series[], count: number): Stack {
  const totals = Array.from({ length: count }, (_, n) => sum(series.map(({ values }) => values[n]!)));
  return { series, totals, total: sum(totals) };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}

function zeros(bins: readonly Bin[]): number[] {
  return bins.map(() => 0);
}

function eachBucket(stats: Stats, bins: readonly Bin[], see: (bucket: StatsBucket, bin: number) => void): void {
  for (const { buckets } of stats.cameras) {
    for (const bucket of buckets) {
      const bin = binAt(bins, Date.parse(bucket.at));
      if (bin >= 0) see(bucket, bin);
    }
  }
}

/** The `top` most frequent labels, most first, then the others as one. A tie goes by name, so that nothing swaps places. */
export function detectionsStack(stats: Stats, bins: readonly Bin[], top: number): Stack {
  const byLabel = new Map<string, number[]>();
  const unnamed = zeros(bins);
  eachBucket(stats, bins, ({ by_label, other_labels }, bin) => {
    unnamed[bin]! += other_labels;
    for (const [label, count] of Object.entries(by_label)) {
      const values = byLabel.get(label) ?? zeros(bins);
      values[bin]! += count;
      byLabel.set(label, values);
    }
  });
  const all: Series[] = [...byLabel].map(([key, values]) => ({ key, values, total: sum(values) })).filter(({ total }) => total > 0);
  all.sort((a, b) => b.total - a.total || (a.key! < b.key! ? -1 : 1));
  const isWhole = sum(unnamed) === 0;
  // One label too many is as well named as called "others".
  const kept = all.slice(0, isWhole && all.length === top + 1 ? top + 1 : top);
  const others = all.slice(kept.length);
  if (others.length || !isWhole) {
    const values = bins.map((_, n) => unnamed[n]! + sum(others.map((each) => each.values[n]!)));
    kept.push({ key: null, values, total: sum(values) });
  }
  return stackOf(kept, bins.length);
}

export interface FramesStack extends Stack {
  /** Per bin: how many cameras sent frames whose boxes say nothing of what they kept back. */
  silent: number[];
  /** Per bin: nobody says, so that "gated" is not 0 there but unknown. */
  unknown: boolean[];
}

/** Frames that were sent, and those that the gate beside the camera kept back. */
export function framesStack(stats: Stats, bins: readonly Bin[]): FramesStack {
  const [sent, gated] = [zeros(bins), zeros(bins)];
  const silent: Set<string>[] = bins.map(() => new Set());
  const saying = bins.map(() => false);
  for (const camera of stats.cameras) {
    eachBucket({ ...stats, cameras: [camera] }, bins, ({ frames, edge }, bin) => {
      sent[bin]! += frames;
      if (edge) {
        gated[bin]! += edge.gated;
        saying[bin] = true;
      } else if (frames > 0) silent[bin]!.add(camera.camera_id);
    });
  }
  const series = [
    { key: "sent", values: sent, total: sum(sent) },
    { key: "gated", values: gated, total: sum(gated) },
  ];
  return {
    ...stackOf(series, bins.length),
    silent: silent.map(({ size }) => size),
    unknown: silent.map(({ size }, bin) => size > 0 && !saying[bin]),
  };
}

export const ALERT_SERIES = ["sent", "claimed", "held", "failed", "withheld"] as const;

/** Alerts by what became of them, at their capture; and, where its visit began, each rule that gave none for a visit. */
export function alertsStack(alerts: readonly Alert[], withheld: readonly Withheld[], bins: readonly Bin[]): Stack {
  const values = new Map<string, number[]>(ALERT_SERIES.map((key) => [key, zeros(bins)]));
  const count = (key: string, at: string) => {
    const bin = binAt(bins, Date.parse(at));
    const its = values.get(key);
    if (its && bin >= 0) its[bin]! += 1;
  };
  for (const { state, captured_at } of alerts) count(state, captured_at);
  const seen = new Set<string>();
  for (const { visit_id, rule_id, visit_from, alerted } of withheld) {
    const pair = JSON.stringify([visit_id, rule_id]);
    if (alerted || seen.has(pair)) continue;
    seen.add(pair);
    count("withheld", visit_from);
  }
  return stackOf(
    [...values].map(([key, its]) => ({ key, values: its, total: sum(its) })),
    bins.length,
  );
}

export interface ReasonRow {
  reason: string;
  /** Visits that a rule did not alert for, for this reason, at least for some frames. */
  visits: number;
  frames: number;
}

/** Most visits first. A rule that alerted for the visit by another frame withheld nothing. */
export function withheldByReason(rows: readonly Withheld[]): ReasonRow[] {
  const byReason = new Map<string, ReasonRow>();
  for (const { reason, count, alerted } of rows) {
    if (alerted) continue;
    const row = byReason.get(reason) ?? { reason, visits: 0, frames: 0 };
    row.visits += 1;
    row.frames += count;
    byReason.set(reason, row);
  }
  return [...byReason.values()].sort((a, b) => b.visits - a.visits || (a.reason < b.reason ? -1 : 1));
}

export interface StageRow {
  stage: string;
  count: number;
  p50Ms: number | null;
  p95Ms: number | null;
}

/** In the order in which a frame passes them; the whole is the last. */
export function latencyRows({ stages }: Latency): StageRow[] {
  return stages.map(({ stage, count, p50_ms, p95_ms }) => ({ stage, count, p50Ms: p50_ms, p95Ms: p95_ms }));
}

/** Index of the highest bar; -1 when all are empty. The earliest of equals. */
export function busiest(totals: readonly number[]): number {
  const most = Math.max(0, ...totals);
  return most > 0 ? totals.indexOf(most) : -1;
}
