// What is drawn on the timeline: a bar for each visit, a mark for each alert, merged where they would meet.

import type { Alert, Camera, Severity, Visit } from "../api/types";
import { xOf } from "./timelineScale";
import type { TimelineData } from "./timelineLoad";
import type { TimeWindow } from "./timelineWindow";

/** Bars and marks of all lanes together; each is three elements at most. */
export const MAX_DRAWN = 130;
const MAX_ROWS = 4;
const MIN_BAR_PX = 8;

export type Item = { key: string; cameraId: string; cameraName: string; label: string; fromMs: number; toMs: number } & (
  | { kind: "visit"; visit: Visit; isOpen: boolean }
  | { kind: "alert"; alert: Alert; isAnswered: boolean }
);

/** Of the window, oldest first. An open visit reaches now. */
export function itemsOf(data: TimelineData, { fromMs, toMs }: TimeWindow, nowMs: number): Item[] {
  const items: Item[] = [];
  for (const visit of data.visits.values()) {
    const start = Date.parse(visit.first_seen);
    const end = visit.open ? Math.max(nowMs, Date.parse(visit.last_seen)) : Date.parse(visit.last_seen);
    if (start >= toMs || end < fromMs) continue;
    const { camera_id: cameraId, camera_name: cameraName, label } = visit;
    items.push({ key: `v ${visit.visit_id}`, kind: "visit", cameraId, cameraName, label, fromMs: start, toMs: end, visit, isOpen: visit.open });
  }
  for (const alert of data.alerts.values()) {
    const at = Date.parse(alert.captured_at);
    if (at >= toMs || at < fromMs) continue;
    const { camera_id: cameraId, camera_name: cameraName, label } = alert;
    const isAnswered = alert.answers.length > 0;
    items.push({ key: `a ${alert.alert_id}`, kind: "alert", cameraId, cameraName, label, fromMs: at, toMs: at, alert, isAnswered });
  }
  return items.sort(inTime);
}

function inTime(a: { fromMs: number; key: string }, b: { fromMs: number; key: string }): number {
  return a.fromMs - b.fromMs || (a.key < b.key ? -1 : 1);
}

export interface Row {
  /** The word of the rules it is for; null: all that have no row of their own. */
  label: string | null;
  /** Colour and pattern, 0..3. */
  tone: number;
}

const folded = (label: string) => label.trim().toLowerCase();

/** The same for every lane, and the same whatever was seen: rows do not come and go. */
export function rowsOf(watchLabels: readonly string[], label: string | null, items: readonly Item[]): Row[] {
  const own = watchLabels.length > MAX_ROWS ? watchLabels.slice(0, MAX_ROWS - 1) : watchLabels;
  const rows: Row[] = own.map((each, tone) => ({ label: each, tone }));
  if (label !== null) {
    const row = rows.find((each) => each.label !== null && folded(each.label) === folded(label));
    return [row ?? { label, tone: MAX_ROWS - 1 }];
  }
  const known = new Set(own.map(folded));
  const hasOthers = watchLabels.length > own.length || items.some((item) => item.kind === "visit" && !known.has(folded(item.label)));
  return hasOthers || rows.length === 0 ? [...rows, { label: null, tone: MAX_ROWS - 1 }] : rows;
}

export interface Drawn {
  /** Of its first item: stays the same while others join. */
  key: string;
  kind: Item["kind"];
  x: number;
  width: number;
  /** Oldest first; more than one where they would meet. */
  items: Item[];
  fromMs: number;
  toMs: number;
}

export interface Lane {
  camera: Pick<Camera, "camera_id" | "name">;
  /** null: not in the site file. */
  known: boolean;
  marks: Drawn[];
  /** As many as rowsOf gave. */
  rows: Drawn[][];
  /** Everything drawn, in time order. */
  inOrder: Drawn[];
  visits: number;
  alerts: number;
}

export interface Plot {
  window: TimeWindow;
  widthPx: number;
  /** Width of a mark. */
  markPx: number;
}

/** Lanes of these cameras. Merges more until no more than MAX_DRAWN remain. */
export function lanesOf(
  items: readonly Item[],
  cameras: readonly { camera: Pick<Camera, "camera_id" | "name">; known: boolean }[],
  rows: readonly Row[],
  plot: Plot,
): Lane[] {
  for (let gapPx = 2; ; gapPx *= 1.5) {
    const lanes = cameras.map(({ camera, known }) => {
      const own = items.filter((item) => item.cameraId === camera.camera_id);
      return laneOf(camera, known, own, rows, plot, gapPx);
    });
    const drawn = lanes.reduce((sum, lane) => sum + lane.inOrder.length, 0);
    if (drawn <= MAX_DRAWN || gapPx > plot.widthPx) return lanes;
  }
}

function laneOf(camera: Lane["camera"], known: boolean, items: readonly Item[], rows: readonly Row[], plot: Plot, gapPx: number): Lane {
  const visits = items.filter((item) => item.kind === "visit");
  const alerts = items.filter((item) => item.kind === "alert");
  const rowOf = (item: Item) => {
    const index = rows.findIndex(({ label }) => label !== null && folded(label) === folded(item.label));
    return index >= 0 ? index : rows.length - 1;
  };
  const marks = mergedMarks(alerts, plot, gapPx);
  const bars = rows.map((_, index) => mergedBars(visits.filter((item) => rowOf(item) === index), plot, gapPx));
  return {
    camera,
    known,
    marks,
    rows: bars,
    inOrder: [...marks, ...bars.flat()].sort(inTime),
    visits: visits.length,
    alerts: alerts.length,
  };
}

/** With twice the gap, how far a group may reach; or one row of a busy month would be a single bar. */
const GROUP_PX = 24;

/** items: oldest first. Bars nearer than gapPx become one, as far as a group may reach; the next group begins where that ends. */
export function mergedBars(items: readonly Item[], { window, widthPx }: Plot, gapPx: number): Drawn[] {
  const drawn: Drawn[] = [];
  for (const item of items) {
    const x0 = Math.max(0, Math.min(xOf(item.fromMs, window, widthPx), widthPx - MIN_BAR_PX));
    const x1 = Math.min(widthPx, Math.max(xOf(item.toMs, window, widthPx), x0 + MIN_BAR_PX));
    const last = drawn[drawn.length - 1];
    const end = last ? last.x + last.width : 0;
    const meets = last && x0 - end < gapPx && x0 - last.x < GROUP_PX + 2 * gapPx;
    // Where labels share a row, two may be there at once.
    if (last && (meets || item.fromMs <= last.toMs)) {
      last.items.push(item);
      last.width = Math.max(last.width, x1 - last.x);
      last.toMs = Math.max(last.toMs, item.toMs);
      continue;
    }
    if (last && x0 <= end) last.width = x0 - 1 - last.x;
    drawn.push({ key: item.key, kind: "visit", x: x0, width: x1 - x0, items: [item], fromMs: item.fromMs, toMs: item.toMs });
  }
  return drawn;
}

/** Marks stand where the first of them was; none covers another. */
export function mergedMarks(items: readonly Item[], { window, widthPx, markPx }: Plot, gapPx: number): Drawn[] {
  const drawn: Drawn[] = [];
  for (const item of items) {
    const middle = xOf(item.fromMs, window, widthPx);
    const x = Math.max(0, Math.min(middle - markPx / 2, widthPx - markPx));
    const last = drawn[drawn.length - 1];
    if (last && x - last.x < markPx + gapPx) {
      last.items.push(item);
      last.toMs = item.toMs;
    } else drawn.push({ key: item.key, kind: "alert", x, width: markPx, items: [item], fromMs: item.fromMs, toMs: item.toMs });
  }
  return drawn;
}

const SEVERITIES: readonly Severity[] = ["critical", "alert", "notice"];

/** What a mark shows of one or more alerts: the most severe, and whether anybody must still answer. */
export function markOf(drawn: Drawn): { severity: Severity; isAnswered: boolean } {
  const alerts = drawn.items.filter((item) => item.kind === "alert");
  const severity = SEVERITIES.find((each) => alerts.some(({ alert }) => alert.severity === each)) ?? "notice";
  return { severity, isAnswered: alerts.every(({ isAnswered }) => isAnswered) };
}

/** Of things side by side, the nearest that lies within slopPx of x; a finger is wider than a bar. */
export function hitAt<T extends { x: number; width: number }>(drawn: readonly T[], x: number, slopPx: number): T | null {
  let best: T | null = null;
  let bestPx = slopPx;
  for (const each of drawn) {
    const awayPx = Math.max(each.x - x, x - (each.x + each.width), 0);
    if (awayPx < bestPx || (awayPx === bestPx && best === null)) [best, bestPx] = [each, awayPx];
  }
  return best;
}

export type Step = "earlier" | "later" | "first" | "last" | "above" | "below";

/** Where an arrow key leads from this one; null: nowhere. */
export function stepFrom(lanes: readonly Lane[], key: string, step: Step): Drawn | null {
  const at = lanes.findIndex((lane) => lane.inOrder.some((each) => each.key === key));
  const lane = lanes[at];
  if (!lane) return null;
  const index = lane.inOrder.findIndex((each) => each.key === key);
  const here = lane.inOrder[index]!;
  if (step === "earlier") return lane.inOrder[index - 1] ?? null;
  if (step === "later") return lane.inOrder[index + 1] ?? null;
  if (step === "first") return lane.inOrder[0] ?? null;
  if (step === "last") return lane.inOrder[lane.inOrder.length - 1] ?? null;
  const others = step === "above" ? lanes.slice(0, at).reverse() : lanes.slice(at + 1);
  const next = others.find((each) => each.inOrder.length > 0);
  return next?.inOrder.reduce((a, b) => (Math.abs(b.fromMs - here.fromMs) < Math.abs(a.fromMs - here.fromMs) ? b : a)) ?? null;
}

/** Where the keyboard comes in: the newest thing of all. */
export function newestDrawn(lanes: readonly Lane[]): Drawn | null {
  return lanes.flatMap(({ inOrder }) => inOrder).reduce<Drawn | null>((a, b) => (a === null || b.fromMs > a.fromMs ? b : a), null);
}

export function drawnOf(lanes: readonly Lane[], itemKey: string): Drawn | null {
  for (const { inOrder } of lanes) {
    const found = inOrder.find(({ items }) => items.some(({ key }) => key === itemKey));
    if (found) return found;
  }
  return null;
}
