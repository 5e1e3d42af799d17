import { describe, expect, it } from "vitest";
import { EMPTY_FRAMES, FRAME_CAP, framesReducer, PENDING_CAP, type FramesAction, type FramesState } from "./frames";
import { frameOf, framesOf, numbers } from "./testing";

const run = (actions: FramesAction[], state: FramesState = EMPTY_FRAMES) => actions.reduce(framesReducer, state);
const first = (newest: number, oldest: number, next_cursor: string | null = "c"): FramesAction => ({
  type: "first",
  page: { frames: framesOf(newest, oldest), next_cursor },
});
const live = (newest: number, oldest: number, change: Partial<Extract<FramesAction, { type: "live" }>> = {}): FramesAction => ({
  type: "live",
  frames: framesOf(newest, oldest),
  gap: false,
  nextCursor: "newer-c",
  hold: false,
  keepFromMs: null,
  ...change,
});

it("a page that overlaps adds only what is new, in order", () => {
  const state = run([first(10, 5), { type: "more", page: { frames: framesOf(6, 3), next_cursor: null } }]);
  expect(numbers(state.frames)).toEqual([10, 9, 8, 7, 6, 5, 4, 3]);
  expect(state.tail).toEqual({ kind: "end" });
});

it("an answer that says nothing new leaves the very same state", () => {
  const state = run([first(10, 5)]);
  expect(framesReducer(state, live(10, 5))).toBe(state);
  expect(framesReducer(state, live(10, 5, { hold: true }))).toBe(state);
});

it("a frame that arrives late takes its place by capture time", () => {
  const state = run([{ type: "first", page: { frames: [frameOf(10), frameOf(8), frameOf(6)], next_cursor: null } }, live(9, 9)]);
  expect(numbers(state.frames)).toEqual([10, 9, 8, 6]);
});

it("a live page does not fill in below the tail", () => {
  const state = run([first(10, 8), live(11, 5)]);
  expect(numbers(state.frames)).toEqual([11, 10, 9, 8]);
  expect(state.tail).toEqual({ kind: "cursor", cursor: "c", to: null });
});

it("a picture already shown keeps its address until it is renewed", () => {
  const again = { ...frameOf(10), image_url: "https://pictures.example/10?new" };
  const shown = run([first(10, 8), live(0, 0, { frames: [again] })]);
  expect(shown.frames[0]?.image_url).toContain("?old");
  expect(framesReducer(shown, { type: "renewed", frame: again }).frames[0]?.image_url).toContain("?new");
});

describe("while the reader is elsewhere", () => {
  it("new frames wait, and nothing that is shown moves", () => {
    const before = run([first(10, 5)]);
    const held = framesReducer(before, live(12, 7, { hold: true }));
    expect(held.frames).toBe(before.frames);
    expect(numbers(held.pending)).toEqual([12, 11]);
    const released = framesReducer(held, { type: "release" });
    expect(numbers(released.frames)).toEqual([12, 11, 10, 9, 8, 7, 6, 5]);
    expect(released.pending).toEqual([]);
  });

  it("an empty list is not held: there is nothing to move", () => {
    const state = run([{ type: "first", page: { frames: [], next_cursor: null } }, live(2, 1, { hold: true })]);
    expect(numbers(state.frames)).toEqual([2, 1]);
  });

  it("waiting frames stay bounded, and releasing then shows no hole", () => {
    const held = run([first(10, 5), live(10 + PENDING_CAP + 20, 8, { hold: true })]);
    expect(held.pending).toHaveLength(PENDING_CAP);
    expect(held.pendingGap).toBe(true);
    const released = framesReducer(held, { type: "release" });
    expect(numbers(released.frames)).toEqual(numbers(framesOf(10 + PENDING_CAP + 20, 31)));
    expect(released.tail.kind).toBe("before");
  });

  it("a gap that the poll could not close replaces the list when released", () => {
    const held = run([first(10, 5), live(99, 90, { hold: true, gap: true })]);
    expect(numbers(held.frames)).toEqual([10, 9, 8, 7, 6, 5]);
    const released = framesReducer(held, { type: "release" });
    expect(numbers(released.frames)).toEqual(numbers(framesOf(99, 90)));
    expect(released.tail).toEqual({ kind: "cursor", cursor: "newer-c", to: null });
  });
});

it("at the top, a gap replaces the list at once", () => {
  const state = run([first(10, 5), live(99, 90, { gap: true })]);
  expect(numbers(state.frames)).toEqual(numbers(framesOf(99, 90)));
  expect(state.tail).toEqual({ kind: "cursor", cursor: "newer-c", to: null });
});

it("the list stays bounded, and its tail then asks by time, one millisecond over", () => {
  const full = run([first(FRAME_CAP, 1), live(FRAME_CAP + 2, FRAME_CAP)]);
  expect(full.frames).toHaveLength(FRAME_CAP);
  expect(full.tail).toEqual({ kind: "before", to: new Date(Date.parse(frameOf(3).captured_at) + 1).toISOString() });
});

it("frames that leave a moving window are dropped, and there is nothing older to load", () => {
  const state = run([first(10, 1), live(11, 9, { keepFromMs: Date.parse(frameOf(6).captured_at) })]);
  expect(numbers(state.frames)).toEqual([11, 10, 9, 8, 7, 6]);
  expect(state.tail).toEqual({ kind: "end" });
});

it("frames of the same instant have one order", () => {
  const twins = [frameOf(1, { frame_id: "a" }), frameOf(1, { frame_id: "b" })];
  const order = (frames: typeof twins) => run([{ type: "first", page: { frames, next_cursor: null } }]).frames.map((f) => f.frame_id);
  expect(order([...twins].reverse())).toEqual(order(twins));
});

it("a cursor after a tail that was cut keeps the time it was asked with", () => {
  const held = run([first(10, 5), live(10 + PENDING_CAP + 20, 8, { hold: true }), { type: "release" }]);
  const state = framesReducer(held, { type: "more", page: { frames: framesOf(30, 20), next_cursor: "next" } });
  expect(held.tail.kind).toBe("before");
  expect(state.tail).toEqual({ kind: "cursor", cursor: "next", to: held.tail.kind === "before" && held.tail.to });
});

it("after a refused cursor the next try asks by time, after any other failure with the same cursor", () => {
  const state = run([first(10, 5), { type: "moreStarted" }]);
  expect(framesReducer(state, { type: "moreFailed", refused: true }).tail.kind).toBe("before");
  expect(framesReducer(state, { type: "moreFailed", refused: false }).tail).toBe(state.tail);
});
