import { describe, expect, it } from "vitest";
import type { Rule } from "../api/types";
import { edited, MAX_STEPS, startOf, suggestedPoint, warningsOf, type Change, type Edit } from "./zoneEdit";
import { areaShare, type Point } from "./polygon";

const SQUARE: Point[] = [[0.2, 0.2], [0.8, 0.2], [0.8, 0.8], [0.2, 0.8]];
const START = startOf([{ zone_id: "porch", points: [[0.2, 0.2], [0.8, 0.2], [0.8, 0.8], [0.200_004, 0.8]] }]);
const run = (edit: Edit, ...changes: Change[]) => changes.reduce(edited, edit);
const rule = (change: Partial<Rule>): Rule => ({
  rule_id: "r",
  severity: "alert",
  labels: ["Person"],
  cameras: [],
  zones: [],
  min_confidence: 80,
  ...change,
});
const SITE = { cameraId: "yard", before: ["porch"], rules: [], others: new Map() };

describe("editing", () => {
  it("starts from the zones of the site, at four digits, and has nothing to undo", () => {
    expect(START.now.zones).toEqual([{ id: "porch", points: SQUARE }]);
    expect(run(START, { type: "undo" }, { type: "redo" })).toBe(START);
  });

  it("undoes and redoes each change, and a new one ends what could be redone", () => {
    const two = run(
      START,
      { type: "add-point", layer: "zones", shape: 0, point: [0.5, 0.1], at: 1 },
      { type: "remove-point", layer: "zones", shape: 0, at: 4 },
    );
    expect(two.now.zones[0]!.points).toEqual([[0.2, 0.2], [0.5, 0.1], [0.8, 0.2], [0.8, 0.8]]);
    const back = run(two, { type: "undo" }, { type: "undo" });
    expect(back.now).toBe(START.now);
    expect(run(back, { type: "redo" }, { type: "redo" }).now).toBe(two.now);
    expect(run(back, { type: "add-shape", layer: "masks" }).future).toEqual([]);
  });

  it("takes one drag, and the typing of one name, for one step", () => {
    const move = (x: number, stroke: string): Change => ({ type: "move-point", layer: "zones", shape: 0, at: 0, point: [x, 0], stroke });
    const dragged = run(START, move(0.3, "1"), move(0.4, "1"), move(0.1, "2"));
    expect(dragged.past).toHaveLength(2);
    expect(run(dragged, { type: "undo" }).now.zones[0]!.points[0]).toEqual([0.4, 0]);
    const typed = run(START, { type: "rename", shape: 0, id: "p" }, { type: "rename", shape: 0, id: "po" });
    expect(run(typed, { type: "undo" }).now).toBe(START.now);
    expect(run(START, move(0.2, "1"), { type: "move-point", layer: "zones", shape: 0, at: 0, point: [0.2, 0.2] }).past).toHaveLength(2);
  });

  it("changes nothing about what is not there and keeps points in the picture", () => {
    expect(run(START, { type: "move-point", layer: "masks", shape: 3, at: 0, point: [0, 0] })).toBe(START);
    const moved = run(START, { type: "move-point", layer: "zones", shape: 0, at: 2, point: [1.4, -3] });
    expect(moved.now.zones[0]!.points[2]).toEqual([1, 0]);
  });

  it("gives a new zone an id that is free, and remembers a bounded past", () => {
    const named = run(START, { type: "rename", shape: 0, id: "zone-2" }, { type: "add-shape", layer: "zones" });
    expect(named.now.zones.map(({ id }) => id)).toEqual(["zone-2", "zone-3"]);
    let edit = START;
    for (let n = 0; n < MAX_STEPS + 20; n++) edit = run(edit, { type: "add-point", layer: "masks", shape: 0, point: [0, 0] }, { type: "rename", shape: 0, id: `a${n}` }, { type: "remove-point", layer: "zones", shape: 0, at: 9 });
    expect(edit.past.length).toBeLessThanOrEqual(MAX_STEPS);
  });

  it("draws a polygon of three without a pointer", () => {
    let points: Point[] = [];
    for (let n = 0; n < 4; n++) {
      const { point, at } = suggestedPoint(points);
      points = [...points.slice(0, at), point, ...points.slice(at)];
    }
    expect(points).toHaveLength(4);
    expect(areaShare(points)).toBeGreaterThan(0.01);
  });
});

describe("warnings", () => {
  const warned = (shapes: { id: string; points: readonly Point[] }[], site = SITE) => warningsOf("zones", shapes, site);

  it("has nothing to say about a good drawing", () => {
    expect(warned(START.now.zones.slice())).toEqual([]);
  });

  it("names ids that the site file refuses, few points and crossing sides", () => {
    const bow: Point[] = [[0.1, 0.1], [0.9, 0.5], [0.9, 0.1], [0.1, 0.9]];
    const found = warned([
      { id: "porch", points: SQUARE },
      { id: "porch", points: bow },
      { id: "Front Porch", points: SQUARE.slice(0, 2) },
    ]);
    expect(found.map(({ kind, refused }) => [kind, refused])).toEqual([
      ["id-twice", true],
      ["crosses", false],
      ["bad-id", true],
      ["polygon", true],
    ]);
    expect(warningsOf("masks", [{ id: "", points: SQUARE }], SITE)).toEqual([]);
  });

  it("names the rules that a zone's end would break", () => {
    const rules = [
      rule({ rule_id: "here", cameras: ["yard"], zones: ["porch"] }),
      rule({ rule_id: "anywhere", zones: ["porch", "never"] }),
      rule({ rule_id: "there", cameras: ["gate"], zones: ["porch"] }),
    ];
    const named = (others: [string, string[]][]) =>
      warned([{ id: "lawn", points: SQUARE }], { ...SITE, rules, others: new Map(others) } as typeof SITE).map((each) => ("rule" in each ? each.rule : ""));
    expect(named([])).toEqual(["here", "anywhere"]);
    expect(named([["gate", ["porch"]]])).toEqual(["here"]);
  });
});
