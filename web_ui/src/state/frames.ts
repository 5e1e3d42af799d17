// The list of frames as pure state. Invariants: newest first, no frame twice, never more than FRAME_CAP shown and
// PENDING_CAP held back.

import type { Frame, FramesPage } from "../api/types";

/** Frames the page keeps. Beyond it the tail goes when new ones arrive, and "Load more" becomes "Show older". */
export const FRAME_CAP = 300;
/** New frames held back while the reader is elsewhere. Beyond it they are counted as "99+" and reloaded when asked for. */
export const PENDING_CAP = 99;

export type Tail =
  /** A cursor belongs to one exact query: `to` is what was asked for beyond the filters, if anything. */
  | { kind: "cursor"; cursor: string; to: string | null }
  /** The tail was cut, so no cursor fits any more: ask for what is older than this, RFC 3339, exclusive. */
  | { kind: "before"; to: string }
  | { kind: "end" };

export interface FramesState {
  phase: "loading" | "ready" | "failed";
  frames: readonly Frame[];
  pending: readonly Frame[];
  /** There are frames between `pending` and `frames` that were not fetched: showing pending replaces the list. */
  pendingGap: boolean;
  pendingTail: Tail;
  tail: Tail;
  more: "idle" | "loading" | "failed";
  failure: string | null;
}

export const EMPTY_FRAMES: FramesState = {
  phase: "loading",
  frames: [],
  pending: [],
  pendingGap: false,
  pendingTail: { kind: "end" },
  tail: { kind: "end" },
  more: "idle",
  failure: null,
};

export type FramesAction =
  | { type: "reset" }
  | { type: "first"; page: FramesPage }
  | { type: "refused"; message: string }
  /** The newest pages, and whether unfetched frames lie between them and what is known. */
  | { type: "live"; frames: readonly Frame[]; gap: boolean; nextCursor: string | null; hold: boolean; keepFromMs: number | null }
  | { type: "release" }
  | { type: "moreStarted" }
  | { type: "more"; page: FramesPage }
  /** `refused`: the API does not take this cursor (any more), so the next try asks by time. */
  | { type: "moreFailed"; refused: boolean }
  /** The list changed under the request, so its page no longer fits. */
  | { type: "moreDropped" }
  | { type: "renewed"; frame: Frame };

export function compareNewestFirst(a: Frame, b: Frame): number {
  const byTime = Date.parse(b.captured_at) - Date.parse(a.captured_at);
  if (byTime) return byTime;
  const keyA = `${a.captured_at} ${a.frame_id}`;
  const keyB = `${b.captured_at} ${b.frame_id}`;
  return keyA < keyB ? 1 : keyA > keyB ? -1 : 0;
}

/** Each frame once, newest first. The first mention wins, so that a picture already shown keeps its address. */
export function mergeFrames(known: readonly Frame[], more: readonly Frame[]): readonly Frame[] {
  const ids = new Set(known.map((frame) => frame.frame_id));
  const fresh: Frame[] = [];
  for (const frame of more) {
    if (ids.has(frame.frame_id)) continue;
    ids.add(frame.frame_id);
    fresh.push(frame);
  }
  return fresh.length ? [...known, ...fresh].sort(compareNewestFirst) : known;
}

export function tailAfter(cursor: string | null, to: string | null = null): Tail {
  return cursor ? { kind: "cursor", cursor, to } : { kind: "end" };
}

/** The next millisecond after the oldest frame kept: asks again for its neighbours in that one, which are known and dropped. */
function tailBelow(frames: readonly Frame[]): Tail {
  const oldest = frames[frames.length - 1];
  return oldest ? { kind: "before", to: new Date(Date.parse(oldest.captured_at) + 1).toISOString() } : { kind: "end" };
}

function capped(state: FramesState): FramesState {
  if (state.frames.length <= FRAME_CAP) return state;
  const frames = state.frames.slice(0, FRAME_CAP);
  return { ...state, frames, tail: tailBelow(frames) };
}

export function framesReducer(state: FramesState, action: FramesAction): FramesState {
  switch (action.type) {
    case "reset":
      return EMPTY_FRAMES;

    case "first":
      return capped({
        ...EMPTY_FRAMES,
        phase: "ready",
        frames: mergeFrames([], action.page.frames),
        tail: tailAfter(action.page.next_cursor),
      });

    case "refused":
      return { ...EMPTY_FRAMES, phase: "failed", failure: action.message };

    case "live":
      return live(state, action);

    case "release": {
      if (!state.pending.length) return state;
      const settled = { ...state, pending: [], pendingGap: false, pendingTail: EMPTY_FRAMES.pendingTail };
      if (state.pendingGap) return { ...settled, frames: state.pending, tail: state.pendingTail, more: "idle" };
      return capped({ ...settled, frames: mergeFrames(state.frames, state.pending) });
    }

    case "moreStarted":
      return { ...state, more: "loading" };

    case "more":
      return capped({
        ...state,
        more: "idle",
        frames: mergeFrames(state.frames, action.page.frames),
        tail: tailAfter(action.page.next_cursor, state.tail.kind === "end" ? null : state.tail.to),
      });

    case "moreFailed":
      return { ...state, more: "failed", tail: action.refused && state.frames.length ? tailBelow(state.frames) : state.tail };

    case "moreDropped":
      return { ...state, more: "idle" };

    case "renewed": {
      const swap = (frames: readonly Frame[]) =>
        frames.map((frame) => (frame.frame_id === action.frame.frame_id ? action.frame : frame));
      return { ...state, frames: swap(state.frames), pending: swap(state.pending) };
    }
  }
}

function live(state: FramesState, action: Extract<FramesAction, { type: "live" }>): FramesState {
  const oldest = state.frames[state.frames.length - 1];
  const shown = new Set(state.frames.map((frame) => frame.frame_id));
  const fresh = action.frames.filter(
    (frame) =>
      !shown.has(frame.frame_id) &&
      // What lies below the tail comes with "Load more", in its place.
      (state.tail.kind === "end" || !oldest || compareNewestFirst(frame, oldest) < 0),
  );

  if (action.hold && state.frames.length) {
    if (!fresh.length) return state;
    if (action.gap) {
      const pending = mergeFrames([], action.frames).slice(0, PENDING_CAP);
      return { ...state, pending, pendingGap: true, pendingTail: tailAfter(action.nextCursor) };
    }
    const merged = mergeFrames(state.pending, fresh);
    if (merged === state.pending) return state;
    if (merged.length <= PENDING_CAP) return { ...state, pending: merged };
    const pending = merged.slice(0, PENDING_CAP);
    return { ...state, pending, pendingGap: true, pendingTail: tailBelow(pending) };
  }

  if (action.gap || state.pendingGap) {
    // Never show a list with a hole in it.
    return { ...state, frames: mergeFrames([], action.frames), tail: tailAfter(action.nextCursor), pending: [], pendingGap: false };
  }
  const all = mergeFrames(mergeFrames(state.frames, state.pending), fresh);
  const frames = action.keepFromMs === null ? all : dropBefore(all, action.keepFromMs);
  if (frames === state.frames && !state.pending.length) return state;
  const tail: Tail = frames.length < all.length ? { kind: "end" } : state.tail;
  return capped({ ...state, frames, pending: [], tail });
}

function dropBefore(frames: readonly Frame[], fromMs: number): readonly Frame[] {
  const kept = frames.filter((frame) => Date.parse(frame.captured_at) >= fromMs);
  return kept.length === frames.length ? frames : kept;
}
