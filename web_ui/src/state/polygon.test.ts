import { describe, expect, it } from "vitest";
import type { Label } from "../api/types";
import casesText from "../../../tests/polygon_cases.json?raw";
import {
  areaShare,
  crossingOf,
  feetOf,
  instancesOf,
  longestSide,
  nearestSide,
  refusalOf,
  roundedPoint,
  standsIn,
  type Point,
} from "./polygon";
import { frameOf } from "./testing";

interface Cases {
  polygons: { name: string; points: Point[]; area_share: number; refused: string | null; crosses: [number, number] | null }[];
  boxes: { name: string; polygon: string; box_xyxy_rel: [number, number, number, number]; inside: boolean }[];
  objects: {
    name: string;
    word: string;
    labels: { name: string; confidence: number; aliases: string[]; parents: string[]; boxes: [[number, number, number, number], number][] }[];
    polygon: string;
    confidences: number[];
    inside: boolean[];
  }[];
}

// tests/unit/test_polygon_cases.py holds the other side to the same ones.
const cases = JSON.parse(casesText) as Cases;
const pointsOf = (name: string) => cases.polygons.find((each) => each.name === name)!.points;

function labelsOf(given: Cases["objects"][number]["labels"]): Label[] {
  return given.map(({ boxes, ...label }) => ({
    ...label,
    categories: [],
    watch_hit: false,
    instances: boxes.map(([box_xyxy_rel, confidence]) => ({ box_xyxy_rel, confidence })),
  }));
}

describe("the rules of the site file and of alerts", () => {
  it.each(cases.polygons)("$name: taken or refused", ({ points, area_share, refused, crosses }) => {
    expect(areaShare(points)).toBeCloseTo(area_share, 9);
    expect(refusalOf(points)?.kind ?? null).toBe(refused);
    expect(crossingOf(points)).toEqual(crosses);
  });

  it.each(cases.boxes)("$name: in the zone or beside it", ({ polygon, box_xyxy_rel, inside }) => {
    expect(standsIn([pointsOf(polygon)], box_xyxy_rel)).toBe(inside);
  });

  it.each(cases.objects)("$name", ({ word, labels, polygon, confidences, inside }) => {
    const objects = instancesOf(labelsOf(labels), word);
    expect(objects.map(({ confidence }) => confidence)).toEqual(confidences);
    expect(objects.map(({ box_xyxy_rel }) => standsIn([pointsOf(polygon)], box_xyxy_rel))).toEqual(inside);
    const frames = [frameOf(1, { labels: labelsOf(labels) }), frameOf(2)];
    expect(feetOf(frames, word, pointsOf(polygon)).map((foot) => foot.inside)).toEqual(inside);
  });
});

describe("drawing", () => {
  it("a point that left the picture comes back to its edge, at four digits", () => {
    expect(roundedPoint([-0.2, 0.333_333])).toEqual([0, 0.3333]);
    expect(roundedPoint([1.2, 0.99996])).toEqual([1, 1]);
  });

  it("the side under a pointer is measured as it is shown, not in shares", () => {
    const square = pointsOf("square");
    expect(nearestSide(square, [0.5, 0.21], 1000, 100)).toEqual({ side: 0, distancePx: expect.closeTo(1, 6) });
    expect(nearestSide(square, [0.79, 0.5], 1000, 100)).toEqual({ side: 1, distancePx: expect.closeTo(10, 6) });
    expect(nearestSide([], [0.5, 0.5], 1000, 100)).toBeNull();
  });

  it("a point without a pointer goes into the longest side", () => {
    expect(longestSide([[0, 0], [0.2, 0], [0.2, 0.9]])).toBe(2);
    expect(longestSide([])).toBe(0);
  });
});
