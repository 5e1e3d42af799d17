import { describe, expect, it } from "vitest";
import type { BoxXyxyRel } from "../api/types";
import { layoutOf, maxZoom, panned, placeTags, pointAt, settled, WHOLE, zoomed } from "./zoom";

const STAGE = { width: 1000, height: 500 };
const PICTURE = { width: 640, height: 360 };

describe("looking closer", () => {
  it("shows the whole picture first, as large as fits", () => {
    const whole = layoutOf(WHOLE, STAGE, PICTURE);
    expect(whole.height).toBeCloseTo(500);
    expect(whole.left).toBeCloseTo((1000 - (500 * 16) / 9) / 2);
    expect(whole.inSight).toEqual([0, 0, 1, 1]);
  });

  it("goes to four pixels of the screen for one of the picture, and no further out than whole", () => {
    const most = maxZoom(STAGE, PICTURE);
    expect(layoutOf({ ...WHOLE, zoom: most }, STAGE, PICTURE).width).toBeCloseTo(640 * 4);
    expect(zoomed(WHOLE, 1000, [500, 250], STAGE, PICTURE).zoom).toBe(most);
    expect(zoomed(WHOLE, 0.1, [0, 0], STAGE, PICTURE)).toEqual(WHOLE);
    expect(maxZoom({ width: 9000, height: 9000 }, PICTURE)).toBe(1);
    expect(maxZoom({ width: 0, height: 0 }, PICTURE)).toBe(1);
  });

  it("keeps what is under the pointer under it", () => {
    const anchor = [700, 200] as const;
    const before = pointAt(layoutOf(WHOLE, STAGE, PICTURE), anchor);
    const look = zoomed(zoomed(WHOLE, 2, anchor, STAGE, PICTURE), 1.4, anchor, STAGE, PICTURE);
    const after = pointAt(layoutOf(look, STAGE, PICTURE), anchor);
    expect(after[0]).toBeCloseTo(before[0], 9);
    expect(after[1]).toBeCloseTo(before[1], 9);
  });

  it("moves with the hand and stops at the picture's edges", () => {
    const close = { zoom: 2.5, x: 0.5, y: 0.5 };
    const moved = panned(close, 100, 0, STAGE, PICTURE);
    expect(layoutOf(moved, STAGE, PICTURE).left - layoutOf(close, STAGE, PICTURE).left).toBeCloseTo(100);
    expect(layoutOf(panned(close, 1e6, 1e6, STAGE, PICTURE), STAGE, PICTURE)).toMatchObject({ left: 0, top: 0 });
    expect(settled({ zoom: 1, x: 0, y: 1 }, STAGE, PICTURE)).toEqual(WHOLE);
  });
});

describe("names of boxes", () => {
  const HEIGHT = 20;
  const place = (boxes: BoxXyxyRel[], look = WHOLE) =>
    placeTags(boxes.map((box) => ({ box, widthPx: 120 })), layoutOf(look, STAGE, PICTURE), STAGE, HEIGHT);

  it("do not cover each other while there is room, also where boxes lie on one another", () => {
    const box: BoxXyxyRel = [0.4, 0.4, 0.45, 0.45];
    const placed = place([box, box, box, box, [0.41, 0.41, 0.46, 0.5], [0.4, 0, 0.5, 0.02]]).map((at) => at!);
    for (const [n, [x, y]] of placed.entries())
      for (const [x2, y2] of placed.slice(n + 1)) expect(Math.abs(x - x2) >= 120 || Math.abs(y - y2) >= HEIGHT).toBe(true);
  });

  it("stay in sight when only the middle of a box is, and go with a box that is not", () => {
    const deep = { zoom: 4, x: 0.5, y: 0.5 };
    const [large, beside] = place([[0.1, 0.1, 0.9, 0.9], [0, 0, 0.1, 0.1]], deep);
    expect(large![0]).toBeGreaterThanOrEqual(0);
    expect(large![1]).toBeGreaterThanOrEqual(0);
    expect(large![1]).toBeLessThanOrEqual(STAGE.height - HEIGHT);
    expect(beside).toBeNull();
    const [atEdge] = place([[0.97, 0.97, 1, 1]]);
    expect(atEdge![0]).toBeLessThanOrEqual(STAGE.width - 120);
  });
});
