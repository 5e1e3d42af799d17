import { describe, expect, it } from "vitest";
import { EMPTY_LIST, ENTRY_CAP, neighbour, newestPages, reduceList, rowsInView, type Entry, type ListAction, type ReviewList } from "./reviewList";

interface Numbered extends Entry {
  said: string;
}

const entry = (n: number, said = ""): Numbered => ({ id: `e${n}`, sort: String(n).padStart(8, "0"), said });
const entries = (newest: number, oldest: number) => Array.from({ length: newest - oldest + 1 }, (_, i) => entry(newest - i));
const run = (list: ReviewList<Numbered>, ...actions: ListAction<Numbered>[]) =>
  actions.reduce((before, action) => reduceList(before, action, (known, next) => (known.said === next.said ? known : next)), list);
const ids = (list: readonly Numbered[]) => list.map(({ id }) => Number(id.slice(1)));
const first = run(EMPTY_LIST, { type: "first", entries: entries(10, 6), cursor: "c" });

describe("the review's list", () => {
  it("holds new entries back while the reader is elsewhere, and puts them on top when asked", () => {
    const held = run(first, { type: "live", entries: entries(12, 8), gap: false, cursor: "x", hold: true });
    expect([ids(held.entries), ids(held.held)]).toEqual([[10, 9, 8, 7, 6], [12, 11]]);
    expect(ids(run(held, { type: "release" }).entries)).toEqual([12, 11, 10, 9, 8, 7, 6]);
    expect(run(held, { type: "release" }).cursor).toBe("c");
  });

  it("shows new entries at once while nothing is being read, with those that were held", () => {
    const held = run(first, { type: "live", entries: entries(12, 8), gap: false, cursor: "x", hold: true });
    const shown = run(held, { type: "live", entries: entries(13, 9), gap: false, cursor: "x", hold: false });
    expect([ids(shown.entries), shown.held]).toEqual([[13, 12, 11, 10, 9, 8, 7, 6], []]);
  });

  it("changes what is known in its place, held or not, and keeps the rest as it is", () => {
    const changed = run(first, { type: "live", entries: [entry(11), entry(9, "taken")], gap: false, cursor: "x", hold: true });
    expect(changed.entries[1]).toEqual(entry(9, "taken"));
    expect(changed.entries[0]).toBe(first.entries[0]);
    expect(run(first, { type: "update", entries: [entry(9), entry(99)] })).toBe(first);
    expect(run(changed, { type: "update", entries: [entry(11, "closed")] }).held).toEqual([entry(11, "closed")]);
  });

  it("leaves what lies below its tail to the next page, which goes in by its place and once", () => {
    const late = run(first, { type: "live", entries: [...entries(11, 6), entry(2)], gap: false, cursor: "x", hold: false });
    expect(ids(late.entries)).toEqual([11, 10, 9, 8, 7, 6]);
    const more = run(late, { type: "moreStarted" }, { type: "more", entries: [entry(6), entry(5), entry(3)], cursor: null });
    expect([ids(more.entries), more.cursor, more.more]).toEqual([[11, 10, 9, 8, 7, 6, 5, 3], null, "idle"]);
    // At its end, what is late has no page left to come with.
    expect(ids(run(more, { type: "live", entries: [entry(4)], gap: false, cursor: null, hold: false }).entries)).toContain(4);
  });

  it("starts over where entries between were not fetched, and only when that is asked for", () => {
    const held = run(first, { type: "live", entries: entries(90, 80), gap: true, cursor: "g", hold: true });
    expect(ids(held.entries)).toEqual([10, 9, 8, 7, 6]);
    const over = run(held, { type: "release" });
    expect([over.entries[0]?.id, over.entries.at(-1)?.id, over.cursor]).toEqual(["e90", "e80", "g"]);
  });

  it("keeps five thousand, and says that it was cut", () => {
    const full = run(EMPTY_LIST, { type: "first", entries: entries(ENTRY_CAP + 20, 1), cursor: "c" });
    expect([full.entries.length, full.cut, full.cursor]).toEqual([ENTRY_CAP, true, null]);
    const newer = run(full, { type: "live", entries: [entry(ENTRY_CAP + 21), entry(1)], gap: false, cursor: "x", hold: false });
    expect([newer.entries.length, ids(newer.entries).includes(1)]).toEqual([ENTRY_CAP, false]);
  });
});

describe("the newest pages", () => {
  it("are followed down to what is known, or end in a gap", async () => {
    const pages: Record<string, Numbered[]> = { start: entries(20, 16), p1: [], p2: entries(15, 9) };
    const next: Record<string, string | null> = { start: "p1", p1: "p2", p2: "p3" };
    const page = async (cursor: string | null) => ({ entries: pages[cursor ?? "start"]!, cursor: next[cursor ?? "start"]! });
    const reached = await newestPages(new Set(["e10"]), page);
    expect([reached.entries.length, reached.gap, reached.cursor]).toEqual([12, false, "p3"]);
    expect((await newestPages(new Set(["e1"]), page)).gap).toBe(true);
  });
});

describe("choosing and drawing", () => {
  it("goes from the top without a choice, and stays at the ends", () => {
    const list = entries(3, 1);
    expect(neighbour(list, null, 1)?.id).toBe("e3");
    expect(neighbour(list, "e3", -1)?.id).toBe("e3");
    expect(neighbour(list, "e2", 1)?.id).toBe("e1");
    expect(neighbour([], null, 1)).toBeNull();
  });

  it("draws what is in the window and a little more, however long the list", () => {
    const [start, end] = rowsInView(5000, 80, 200_000, 800);
    expect(start).toBeLessThanOrEqual(2500);
    expect(end).toBeGreaterThanOrEqual(2510);
    expect(end - start).toBeLessThan(40);
    expect(rowsInView(3, 80, -400, 800)).toEqual([0, 3]);
    expect(rowsInView(0, 80, 0, 800)).toEqual([0, 0]);
  });
});
