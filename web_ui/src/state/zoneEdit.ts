// The drawing of one camera as pure state, with what was before it.

import type { Rule, Zone } from "../api/types";
import { crossingOf, longestSide, middleOf, refusalOf, roundedPoint, type Point, type Refusal } from "./polygon";
import { ID_PATTERN, type Layer, type Shape } from "./zonesYaml";

export type Drawing = Readonly<Record<Layer, readonly Shape[]>>;

export interface Edit {
  now: Drawing;
  past: readonly Drawing[];
  future: readonly Drawing[];
  /** What the newest change belongs to: one drag of a point is one step back. */
  stroke: string | null;
}

export const MAX_STEPS = 200;
export const MAX_SHAPES = 50;
export const MAX_POINTS = 200;

export type Change =
  | { type: "add-shape"; layer: Layer; points?: readonly Point[] }
  | { type: "remove-shape"; layer: Layer; shape: number }
  | { type: "rename"; shape: number; id: string }
  /** `at`: the number it gets; absent: the last. */
  | { type: "add-point"; layer: Layer; shape: number; point: Point; at?: number }
  | { type: "move-point"; layer: Layer; shape: number; at: number; point: Point; stroke?: string }
  | { type: "remove-point"; layer: Layer; shape: number; at: number }
  | { type: "replace"; layer: Layer; shapes: readonly Shape[] }
  | { type: "undo" }
  | { type: "redo" };

export function startOf(zones: readonly Zone[]): Edit {
  const shapes = zones.map(({ zone_id, points }) => ({ id: zone_id, points: points.map(roundedPoint) }));
  return { now: { zones: shapes, masks: [] }, past: [], future: [], stroke: null };
}

export function edited(edit: Edit, change: Change): Edit {
  if (change.type === "undo") {
    const before = edit.past[edit.past.length - 1];
    if (!before) return edit;
    return { now: before, past: edit.past.slice(0, -1), future: [edit.now, ...edit.future], stroke: null };
  }
  if (change.type === "redo") {
    const [next, ...rest] = edit.future;
    if (!next) return edit;
    return { now: next, past: [...edit.past, edit.now], future: rest, stroke: null };
  }
  const now = changed(edit.now, change);
  if (now === edit.now) return edit;
  const stroke = strokeOf(change);
  const past = stroke !== null && stroke === edit.stroke ? edit.past : [...edit.past, edit.now].slice(-MAX_STEPS);
  return { now, past, future: [], stroke };
}

function strokeOf(change: Change): string | null {
  if (change.type === "rename") return `rename ${change.shape}`;
  return change.type === "move-point" ? (change.stroke ?? null) : null;
}

function changed(drawing: Drawing, change: Exclude<Change, { type: "undo" | "redo" }>): Drawing {
  switch (change.type) {
    case "add-shape": {
      const shapes = drawing[change.layer];
      if (shapes.length >= MAX_SHAPES) return drawing;
      const shape = { id: change.layer === "zones" ? freeId(shapes) : "", points: (change.points ?? []).map(roundedPoint) };
      return { ...drawing, [change.layer]: [...shapes, shape] };
    }
    case "remove-shape":
      return { ...drawing, [change.layer]: drawing[change.layer].filter((_, n) => n !== change.shape) };
    case "rename":
      return withShape(drawing, "zones", change.shape, (shape) => ({ ...shape, id: change.id }));
    case "add-point":
      return withShape(drawing, change.layer, change.shape, (shape) =>
        shape.points.length >= MAX_POINTS
          ? shape
          : { ...shape, points: inserted(shape.points, change.at ?? shape.points.length, roundedPoint(change.point)) },
      );
    case "move-point": {
      const point = roundedPoint(change.point);
      return withShape(drawing, change.layer, change.shape, (shape) => {
        const known = shape.points[change.at];
        if (!known || (known[0] === point[0] && known[1] === point[1])) return shape;
        return { ...shape, points: replaced(shape.points, change.at, point) };
      });
    }
    case "remove-point":
      return withShape(drawing, change.layer, change.shape, (shape) => ({
        ...shape,
        points: shape.points.filter((_, n) => n !== change.at),
      }));
    case "replace":
      return { ...drawing, [change.layer]: change.shapes };
  }
}

function withShape(drawing: Drawing, layer: Layer, at: number, make: (shape: Shape) => Shape): Drawing {
  const shape = drawing[layer][at];
  if (!shape) return drawing;
  const next = make(shape);
  return next === shape ? drawing : { ...drawing, [layer]: replaced(drawing[layer], at, next) };
}

function replaced<T>(items: readonly T[], at: number, item: T): T[] {
  return items.map((each, n) => (n === at ? item : each));
}

function inserted<T>(items: readonly T[], at: number, item: T): T[] {
  return [...items.slice(0, at), item, ...items.slice(at)];
}

function freeId(shapes: readonly Shape[]): string {
  const taken = new Set(shapes.map(({ id }) => id));
  let n = shapes.length + 1;
  while (taken.has(`zone-${n}`)) n += 1;
  return `zone-${n}`;
}

/** Where the next point goes when no pointer says it: the middle of the longest side, or a start that can be moved. */
export function suggestedPoint(points: readonly Point[]): { point: Point; at: number } {
  if (points.length < 3) {
    const starts: Point[] = [[0.35, 0.35], [0.65, 0.35], [0.65, 0.75]];
    return { point: starts[points.length]!, at: points.length };
  }
  const side = longestSide(points);
  return { point: middleOf(points[side]!, points[(side + 1) % points.length]!), at: side + 1 };
}

export type Warning =
  | { kind: "polygon"; shape: number; refusal: Refusal; refused: true }
  | { kind: "crosses"; shape: number; sides: [number, number]; refused: false }
  | { kind: "bad-id"; shape: number; id: string; refused: true }
  | { kind: "id-twice"; shape: number; id: string; refused: true }
  | { kind: "rule-without-zone"; rule: string; zone: string; refused: true };

/** What is wrong with a layer; `refused`: the file would not be taken. `others`: the zones of the site's other cameras. */
export function warningsOf(
  layer: Layer,
  shapes: readonly Shape[],
  site: { cameraId: string; before: readonly string[]; rules: readonly Rule[]; others: ReadonlyMap<string, readonly string[]> },
): Warning[] {
  const found = shapes.flatMap(({ id, points }, shape): Warning[] => {
    const own: Warning[] = [];
    if (layer === "zones") {
      if (!ID_PATTERN.test(id)) own.push({ kind: "bad-id", shape, id, refused: true });
      else if (shapes.slice(0, shape).some((other) => other.id === id)) own.push({ kind: "id-twice", shape, id, refused: true });
    }
    const refusal = refusalOf(points);
    if (refusal) own.push({ kind: "polygon", shape, refusal, refused: true });
    const sides = crossingOf(points);
    if (sides) own.push({ kind: "crosses", shape, sides, refused: false });
    return own;
  });
  return layer === "zones" ? [...found, ...orphanedRules(shapes, site)] : found;
}

/** Rules that name a zone which this camera had and has no longer, and none of the rule's other cameras has. */
function orphanedRules(shapes: readonly Shape[], { cameraId, before, rules, others }: Parameters<typeof warningsOf>[2]): Warning[] {
  const now = new Set(shapes.map(({ id }) => id));
  return rules.flatMap((rule) => {
    if (rule.cameras.length > 0 && !rule.cameras.includes(cameraId)) return [];
    const elsewhere = new Set(
      [...others].filter(([id]) => rule.cameras.length === 0 || rule.cameras.includes(id)).flatMap(([, zones]) => [...zones]),
    );
    return rule.zones
      .filter((zone) => before.includes(zone) && !now.has(zone) && !elsewhere.has(zone))
      .map((zone): Warning => ({ kind: "rule-without-zone", rule: rule.rule_id, zone, refused: true }));
  });
}
