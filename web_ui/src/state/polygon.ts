// Polygons in shares of the picture, by the rules of framewatch/domain/geometry.py and rules.py. tests/polygon_cases.json
// holds the cases that both are run against.

import type { BoxXyxyRel, Frame, Instance, Label } from "../api/types";

/** x from the left, y from the top, each 0..1. */
export type Point = readonly [number, number];

/** Why a file would not take a polygon. Numbers count from 1, as its errors do. */
export type Refusal =
  | { kind: "outside"; point: number }
  | { kind: "few"; have: number }
  | { kind: "no-area" };

export const LEAST_POINTS = 3;
const LEAST_AREA_SHARE = 1e-5;
const DECIMALS = 4;

/** What files hold: a ten-thousandth of the picture is a fifth of a pixel of a 1080p one. */
export function rounded(value: number): number {
  const factor = 10 ** DECIMALS;
  return Math.min(1, Math.max(0, Math.round(value * factor) / factor));
}

export function roundedPoint([x, y]: Point): Point {
  return [rounded(x), rounded(y)];
}

/** By the shoelace formula, a share of the picture. What crossing sides enclose may cancel out. */
export function areaShare(polygon: readonly Point[]): number {
  return Math.abs(sides(polygon).reduce((sum, [[x1, y1], [x2, y2]]) => sum + (x1 * y2 - x2 * y1), 0)) / 2;
}

/** null: a file takes it. */
export function refusalOf(points: readonly Point[]): Refusal | null {
  const isShare = (value: number) => value >= 0 && value <= 1; // also refuses what is no number
  const outside = points.findIndex(([x, y]) => !(isShare(x) && isShare(y)));
  if (outside >= 0) return { kind: "outside", point: outside + 1 };
  if (points.length < LEAST_POINTS) return { kind: "few", have: points.length };
  if (areaShare(points) < LEAST_AREA_SHARE) return { kind: "no-area" };
  return null;
}

/** Whether a point lies inside, by the even-odd rule: a ray from it crosses the outline an odd number of times. */
export function contains(polygon: readonly Point[], x: number, y: number): boolean {
  let inside = false;
  for (const [[x1, y1], [x2, y2]] of sides(polygon)) {
    // The order of the operations is that of the other side, so that rounding is.
    if (y1 > y !== y2 > y && x < ((x2 - x1) * (y - y1)) / (y2 - y1) + x1) inside = !inside;
  }
  return inside;
}

/** The middle of the lower edge: where a standing object meets the ground. */
export function footOf([x0, , x1, y1]: BoxXyxyRel): Point {
  return [(x0 + x1) / 2, y1];
}

export function standsIn(polygons: readonly (readonly Point[])[], box: BoxXyxyRel): boolean {
  const [x, y] = footOf(box);
  return polygons.some((polygon) => contains(polygon, x, y));
}

export function foldName(name: string): string {
  return name.trim().split(/\s+/).join(" ").toLowerCase();
}

/** Objects of every label that the word means, each box once, most confident first; null: of every label. */
export function instancesOf(labels: readonly Label[], word: string | null): Instance[] {
  const best = new Map<string, Instance>();
  for (const label of labels) {
    const names = [label.name, ...label.aliases, ...label.parents].map(foldName);
    if (word !== null && !names.includes(foldName(word))) continue;
    for (const instance of label.instances) {
      const key = instance.box_xyxy_rel.join(" ");
      if ((best.get(key)?.confidence ?? -1) < instance.confidence) best.set(key, instance);
    }
  }
  return [...best.values()].sort((a, b) => b.confidence - a.confidence);
}

export interface Foot {
  at: Point;
  inside: boolean;
}

/** Where the objects of these frames stand. */
export function feetOf(frames: readonly Frame[], word: string | null, polygon: readonly Point[]): Foot[] {
  return frames
    .flatMap((frame) => instancesOf(frame.labels, word))
    .map(({ box_xyxy_rel }) => ({ at: footOf(box_xyxy_rel), inside: standsIn([polygon], box_xyxy_rel) }));
}

/** The first two sides that cross, counted from 1; side n runs from point n to the next. null: none do. */
export function crossingOf(polygon: readonly Point[]): [number, number] | null {
  const all = sides(polygon);
  for (let i = 0; i < all.length; i++) {
    for (let j = i + 2; j < all.length; j++) {
      const neighbours = i === 0 && j === all.length - 1;
      if (!neighbours && cross(all[i]!, all[j]!)) return [i + 1, j + 1];
    }
  }
  return null;
}

type Side = readonly [Point, Point];

function sides(polygon: readonly Point[]): Side[] {
  return polygon.map((point, n) => [point, polygon[(n + 1) % polygon.length]!]);
}

function cross([a, b]: Side, [c, d]: Side): boolean {
  const turn = ([px, py]: Point, [qx, qy]: Point, [rx, ry]: Point) => Math.sign((qx - px) * (ry - py) - (qy - py) * (rx - px));
  return turn(a, b, c) * turn(a, b, d) < 0 && turn(c, d, a) * turn(c, d, b) < 0;
}

export function middleOf([x1, y1]: Point, [x2, y2]: Point): Point {
  return roundedPoint([(x1 + x2) / 2, (y1 + y2) / 2]);
}

/** The side nearest to a point, from 0, and how far off it is in pixels of a picture shown at this size. */
export function nearestSide(polygon: readonly Point[], [x, y]: Point, widthPx: number, heightPx: number): { side: number; distancePx: number } | null {
  let nearest: { side: number; distancePx: number } | null = null;
  sides(polygon).forEach(([[x1, y1], [x2, y2]], side) => {
    const [dx, dy] = [(x2 - x1) * widthPx, (y2 - y1) * heightPx];
    const [px, py] = [(x - x1) * widthPx, (y - y1) * heightPx];
    const lengthSquared = dx * dx + dy * dy;
    const along = lengthSquared === 0 ? 0 : Math.min(1, Math.max(0, (px * dx + py * dy) / lengthSquared));
    const distancePx = Math.hypot(px - along * dx, py - along * dy);
    if (nearest === null || distancePx < nearest.distancePx) nearest = { side, distancePx };
  });
  return nearest;
}

/** From 0; where a point can be put in without a pointer. */
export function longestSide(polygon: readonly Point[]): number {
  const lengths = sides(polygon).map(([[x1, y1], [x2, y2]]) => Math.hypot(x2 - x1, y2 - y1));
  return Math.max(0, lengths.indexOf(Math.max(...lengths)));
}
