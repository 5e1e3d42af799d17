// Looking at a part of a picture: how it is zoomed and moved. What is drawn on it is placed by `layoutOf`, at screen size.

import type { BoxXyxyRel } from "../api/types";
import type { Point } from "./polygon";

/** zoom 1: the whole picture fits. The point in the middle of the stage is x, y of the picture, as shares. */
export interface Look {
  zoom: number;
  x: number;
  y: number;
}

export interface Size {
  width: number;
  height: number;
}

/** Where the picture lies on its stage, in pixels, and which part of it is in sight. */
export interface Layout extends Size {
  left: number;
  top: number;
  inSight: BoxXyxyRel;
}

export const WHOLE: Look = { zoom: 1, x: 0.5, y: 0.5 };
/** A pixel of the picture becomes at most four of the screen across. */
const MAX_NATIVE = 4;
export const STEP = 1.5;

function fitOf(stage: Size, picture: Size): number {
  if (picture.width <= 0 || picture.height <= 0) return 1;
  return Math.min(stage.width / picture.width, stage.height / picture.height);
}

export function maxZoom(stage: Size, picture: Size): number {
  const fit = fitOf(stage, picture);
  return fit > 0 ? Math.max(1, MAX_NATIVE / fit) : 1;
}

export function layoutOf(look: Look, stage: Size, picture: Size): Layout {
  const scale = fitOf(stage, picture) * look.zoom;
  const [width, height] = [picture.width * scale, picture.height * scale];
  const [left, top] = [stage.width / 2 - look.x * width, stage.height / 2 - look.y * height];
  const share = (px: number, of: number) => (of > 0 ? Math.min(1, Math.max(0, px / of)) : 0);
  const inSight: BoxXyxyRel = [
    share(-left, width),
    share(-top, height),
    share(stage.width - left, width),
    share(stage.height - top, height),
  ];
  return { left, top, width, height, inSight };
}

/** Within its bounds: no further in than is worth it, and nothing beside the picture where the picture could be. */
export function settled(look: Look, stage: Size, picture: Size): Look {
  const zoom = Math.min(maxZoom(stage, picture), Math.max(1, look.zoom));
  const { width, height } = layoutOf({ ...look, zoom }, stage, picture);
  const within = (at: number, stagePx: number, picturePx: number) => {
    const half = Math.min(0.5, picturePx > 0 ? stagePx / picturePx / 2 : 0.5);
    return Math.min(1 - half, Math.max(half, at));
  };
  return { zoom, x: within(look.x, stage.width, width), y: within(look.y, stage.height, height) };
}

/** anchorPx: the place on the stage under which the picture stays. */
export function zoomed(look: Look, factor: number, anchorPx: Point, stage: Size, picture: Size): Look {
  const [x, y] = pointAt(layoutOf(look, stage, picture), anchorPx);
  const zoom = Math.min(maxZoom(stage, picture), Math.max(1, look.zoom * factor));
  const { width, height } = layoutOf({ ...look, zoom }, stage, picture);
  const middle = { x: x + (stage.width / 2 - anchorPx[0]) / width, y: y + (stage.height / 2 - anchorPx[1]) / height };
  return settled({ zoom, ...middle }, stage, picture);
}

/** The picture follows the hand. */
export function panned(look: Look, dxPx: number, dyPx: number, stage: Size, picture: Size): Look {
  const { width, height } = layoutOf(look, stage, picture);
  return settled({ ...look, x: look.x - dxPx / width, y: look.y - dyPx / height }, stage, picture);
}

/** What of the picture, as shares, lies under a place of the stage. */
export function pointAt({ left, top, width, height }: Layout, [xPx, yPx]: Point): Point {
  return [(xPx - left) / width, (yPx - top) / height];
}

export interface TagWish {
  box: BoxXyxyRel;
  widthPx: number;
}

/**
 * Where the name of each box stands on the stage, in the order of importance: at its corner, inside or below where that
 * is taken, always in sight; null for a box that is not in sight.
 */
export function placeTags(wishes: readonly TagWish[], layout: Layout, stage: Size, heightPx: number): (Point | null)[] {
  const gap = 2;
  const taken: [number, number, number, number][] = [];
  const [sx0, sy0, sx1, sy1] = layout.inSight;
  return wishes.map(({ box: [x0, y0, x1, y1], widthPx }) => {
    if (x1 <= sx0 || x0 >= sx1 || y1 <= sy0 || y0 >= sy1) return null;
    const leftPx = Math.min(Math.max(layout.left + x0 * layout.width, 0), Math.max(0, stage.width - widthPx));
    const topPx = layout.top + y0 * layout.height;
    const bottomPx = layout.top + y1 * layout.height;
    const within = (at: number) => Math.min(Math.max(at, 0), Math.max(0, stage.height - heightPx));
    const rows = [topPx - heightPx - gap, topPx + gap, bottomPx + gap, bottomPx - heightPx - gap];
    for (let n = 1; n < MAX_STACKED; n++) rows.push(within(topPx + gap) + n * (heightPx + gap));
    const free = rows.map(within).find((at) => !taken.some(([l, t, r, b]) => leftPx < r && leftPx + widthPx > l && at < b && at + heightPx > t));
    const at = free ?? within(rows[0]!);
    taken.push([leftPx, at, leftPx + widthPx, at + heightPx]);
    return [leftPx, at];
  });
}

const MAX_STACKED = 12;
