// One frame among its neighbours: what the address asks for, what came of it, what it belongs to.

import type { Alert, Frame, Trace, Visit } from "../api/types";
import { siteTimeAt, wallTimeAt } from "../time/zone";
import { pointsOf, type Point } from "./tracePoints";

export interface Moment {
  camera: string;
  /** RFC 3339, as the API wrote it. */
  at: string;
  /** null: whichever frame was captured then. */
  id: string | null;
}

/** null: the address does not say which frame. */
export function momentOf(params: URLSearchParams): Moment | null {
  const camera = params.get("camera")?.trim().slice(0, 200);
  const at = params.get("at")?.trim() ?? "";
  // With a zone, or it would mean another instant in another browser.
  if (!camera || !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(at) || Number.isNaN(Date.parse(at))) return null;
  return { camera, at, id: params.get("id")?.trim().slice(0, 200) || null };
}

export function paramsOf(frame: Frame, options: { boxes: boolean; zones: boolean }): Record<string, string | null> {
  return {
    camera: frame.camera_id,
    at: frame.captured_at,
    id: frame.frame_id,
    boxes: options.boxes ? null : "off",
    zones: options.zones ? "on" : null,
  };
}

export type Found =
  | { kind: "found"; frame: Frame }
  /** Something was captured then, and it goes by another id. */
  | { kind: "other"; frame: Frame }
  | { kind: "gone" };

export function foundOf(frames: readonly Frame[], id: string | null): Found {
  const first = frames[frames.length - 1];
  if (!first) return { kind: "gone" };
  if (id === null) return { kind: "found", frame: first };
  const frame = frames.find(({ frame_id }) => frame_id === id);
  return frame ? { kind: "found", frame } : { kind: "other", frame: first };
}

export interface Around {
  /** Nearest first, as the API answers. */
  before: readonly Frame[];
  after: readonly Frame[];
}

/** Oldest first, the shown one among them. */
export function stripOf({ before, after }: Around, shown: Frame | null): Frame[] {
  const ids = new Set<string>();
  return [...[...before].reverse(), ...(shown ? [shown] : []), ...after].filter(({ frame_id }) => !ids.has(frame_id) && ids.add(frame_id));
}

/** Where an address names a time and no frame, what was captured closest to it; null: nothing within two minutes. */
export function nearestOf({ before, after }: Around, at: string): Frame | null {
  const atMs = Date.parse(at);
  const away = (frame: Frame) => Math.abs(Date.parse(frame.captured_at) - atMs);
  const near = [before[0], after[0]].filter((frame): frame is Frame => frame !== undefined && away(frame) <= NEAR_MS);
  return near.sort((a, b) => away(a) - away(b))[0] ?? null;
}

const NEAR_MS = 120_000;

/** Of a file: `front-door_2026-11-21_04-17-13_CET.jpg`. The camera's id holds no character that a file's name may not. */
export function fileNameOf(frame: Frame, zone: string): string {
  const capturedMs = Date.parse(frame.captured_at);
  const { year, month, day } = wallTimeAt(capturedMs, zone);
  const two = (n: number) => String(n).padStart(2, "0");
  const at = siteTimeAt(capturedMs, zone);
  const abbreviation = at.zone.replace(/[^A-Za-z0-9+-]+/g, "-");
  const camera = frame.camera_id.replace(/[^A-Za-z0-9-]+/g, "-");
  return `${camera}_${year}-${two(month)}-${two(day)}_${at.time.replaceAll(":", "-")}_${abbreviation}.jpg`;
}

export interface Claims {
  /** This very frame alerted. */
  alerts: Alert[];
  /** It lies within them, and what each told of. */
  visits: Visit[];
}

export function claimsOf(frame: Frame, alerts: readonly Alert[], visits: readonly Visit[]): Claims {
  const atMs = Date.parse(frame.captured_at);
  return {
    alerts: alerts.filter((alert) => alert.frame_id === frame.frame_id),
    visits: visits.filter(
      (visit) =>
        visit.camera_id === frame.camera_id &&
        Date.parse(visit.first_seen) <= atMs &&
        atMs <= Date.parse(visit.last_seen) &&
        frame.labels.some((label) => [label.name, ...label.aliases, ...label.parents].some((name) => name.toLowerCase() === visit.label.toLowerCase())),
    ),
  };
}

export interface Stage {
  from: Point;
  to: Point;
  ms: number;
}

/** The way of an alert from one known point to the next; clocks that disagree make no stage shorter than nothing. */
export function stagesOf(trace: Trace): { stages: Stage[]; wholeMs: number | null } {
  const known = pointsOf(trace).flatMap(([name, at]) => (at === null ? [] : [{ name, atMs: Date.parse(at) }]));
  const stages = known.slice(1).map(({ name, atMs }, n) => ({ from: known[n]!.name, to: name, ms: Math.max(0, atMs - known[n]!.atMs) }));
  const published = trace.published_at;
  return { stages, wholeMs: published === null ? null : Math.max(0, Date.parse(published) - Date.parse(trace.captured_at)) };
}
