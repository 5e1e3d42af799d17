// What the live wall says of each camera, and how its pictures share the screen.

import type { Query } from "../api/client";
import type { Alert, Camera, CameraState, CameraStatus } from "../api/types";
import { STALE_AFTER_MS } from "./feed";
import { rfc3339 } from "./filters";

export type Mood =
  | "live"
  /** Its box says nothing against it, and still no picture came for a while. */
  | "stale"
  | "offline"
  /** No picture was ever stored. */
  | "never"
  /** Nobody expects pictures. */
  | "off";

const OFF: ReadonlySet<CameraState> = new Set<CameraState>(["disabled", "ended"]);
const OFFLINE: ReadonlySet<CameraState> = new Set<CameraState>(["stalled", "reconnecting", "auth-failed", "not-found", "silent"]);

type Times = Pick<NonNullable<CameraStatus["newest_frame"]>, "captured_at" | "stored_at">;

/** Since when a picture is old. Whichever is earlier: neither a clock that is ahead nor a late delivery makes it young. */
export function oldSinceMs({ captured_at, stored_at }: Times): number {
  return Math.min(Date.parse(captured_at), Date.parse(stored_at));
}

/** picture: the one that is shown, which may not be the newest one yet; null where there is none. */
export function moodOf(state: CameraState, picture: Times | null, nowMs: number): Mood {
  if (OFF.has(state)) return "off";
  if (OFFLINE.has(state)) return "offline";
  if (!picture) return "never";
  return nowMs - oldSinceMs(picture) > STALE_AFTER_MS ? "stale" : "live";
}

/** How many cameras are in each mood, by their newest pictures. */
export function countMoods(cameras: readonly CameraStatus[], nowMs: number): Record<Mood, number> {
  const counts: Record<Mood, number> = { live: 0, stale: 0, offline: 0, never: 0, off: 0 };
  for (const { state, newest_frame } of cameras) counts[moodOf(state, newest_frame, nowMs)] += 1;
  return counts;
}

/** Under a minute, steps of five seconds: a wall of counting numbers cannot be read. */
export function calmAgeMs(ageMs: number): number {
  return ageMs > 5_000 && ageMs < 60_000 ? Math.floor(ageMs / 5_000) * 5_000 : ageMs;
}

const FEW_CAMERAS = 16;

export function pollEveryMs(cameras: number): number {
  return cameras <= FEW_CAMERAS ? 2_000 : 5_000;
}

export interface WallAddress {
  /** null: every camera. */
  group: string | null;
  boxes: boolean;
}

export function wallAddress(params: URLSearchParams): WallAddress {
  return { group: params.get("group")?.trim().slice(0, 200) || null, boxes: params.get("boxes") !== "off" };
}

/** The same address but for these; null takes one away. */
export function withParams(params: URLSearchParams, changes: Record<string, string | null>): URLSearchParams {
  const next = new URLSearchParams(params);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) next.delete(name);
    else next.set(name, value);
  }
  return next;
}

export interface Group {
  name: string;
  cameras: number;
}

/** In the order of the site file. */
export function groupsOf(cameras: readonly Pick<Camera, "group">[]): Group[] {
  const counts = new Map<string, number>();
  for (const { group } of cameras) if (group !== null) counts.set(group, (counts.get(group) ?? 0) + 1);
  return [...counts].map(([name, count]) => ({ name, cameras: count }));
}

// -- the grid

const RATIO = 16 / 9;
/** Smaller than this nobody recognises anything on a picture: then the wall scrolls. */
export const SMALLEST_PICTURE_PX = 150;
const SCROLLING_TILE_PX = 260;

export interface Room {
  widthPx: number;
  heightPx: number;
}

export interface Grid {
  columns: number;
  /** Height of a row where all of them fit; null where the wall scrolls and a picture is as high as it is. */
  rowPx: number | null;
}

/** The columns that make pictures largest while all rows fit, else as many as can be read. */
export function gridFor(count: number, room: Room, captionPx: number, gapPx: number): Grid {
  let best = { columns: 1, rowPx: 0, picturePx: 0 };
  for (let columns = 1; columns <= count; columns += 1) {
    const rows = Math.ceil(count / columns);
    const tilePx = (room.widthPx - gapPx * (columns - 1)) / columns;
    const rowPx = (room.heightPx - gapPx * (rows - 1)) / rows;
    const picturePx = Math.min(tilePx, (rowPx - captionPx) * RATIO);
    if (picturePx > best.picturePx) best = { columns, rowPx: Math.floor(rowPx), picturePx };
  }
  if (best.picturePx >= SMALLEST_PICTURE_PX) return { columns: best.columns, rowPx: best.rowPx };
  const columns = Math.floor((room.widthPx + gapPx) / (SCROLLING_TILE_PX + gapPx));
  return { columns: Math.max(1, Math.min(columns, count)), rowPx: null };
}

/** Where an arrow key leads from this tile; null: nowhere. */
export function neighbour(index: number, key: string, columns: number, count: number): number | null {
  const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[key];
  if (step === undefined) return null;
  const next = index + step;
  return next >= 0 && next < count ? next : null;
}

// -- alerts

/** What one line of words about an alert takes, in the root's font size. */
const ALERT_REM = 28;
const ALERTS_ON_A_PHONE = 2;
const ALERTS_SHOWN = 6;
/** What nobody answered for a day is no longer news for a wall. */
const ALERTS_WITHIN_MS = 24 * 3_600_000;
const ALERTS_ASKED = 20;

export function unansweredQuery(nowMs: number): Query {
  // In whole minutes, so that the question stays the same for a while.
  const fromMs = Math.floor((nowMs - ALERTS_WITHIN_MS) / 60_000) * 60_000;
  return { answered: "false", from: rfc3339(fromMs), limit: ALERTS_ASKED };
}

/** How many alerts fit into one row of the wall; a phone gives each a row. */
export function alertsThatFit(widthRem: number, narrow: boolean): number {
  if (narrow) return ALERTS_ON_A_PHONE;
  return Math.max(1, Math.min(ALERTS_SHOWN, Math.floor(widthRem / ALERT_REM)));
}

export interface Waiting {
  /** Newest first. */
  shown: Alert[];
  more: number;
  /** Whether there may be more than were asked for. */
  cut: boolean;
}

/** A notice waits for nobody: no phone rings for it. */
export function waitingAlerts(alerts: readonly Alert[], fit: number, cut: boolean): Waiting {
  const waiting = alerts.filter(({ severity, answers }) => severity !== "notice" && answers.length === 0);
  return { shown: waiting.slice(0, fit), more: Math.max(0, waiting.length - fit), cut };
}
