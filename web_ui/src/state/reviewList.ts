// A list that is read from the newest back, page by page, while new entries arrive and known ones change.

/** Entries that the page keeps. Beyond it, what is older is asked for by its time. */
export const ENTRY_CAP = 5_000;
/** New entries that are held back by themselves; beyond it the list starts over when they are shown. */
export const HELD_CAP = 99;

export interface Entry {
  id: string;
  /** Newer ones have the greater text. */
  sort: string;
}

export interface ReviewList<T extends Entry> {
  phase: "loading" | "ready" | "failed";
  entries: readonly T[];
  /** New ones that must not move what is being read. */
  held: readonly T[];
  /** Entries lie between `held` and `entries` that were not fetched: showing the held ones starts the list over. */
  heldGap: boolean;
  heldCursor: string | null;
  cursor: string | null;
  more: "idle" | "loading" | "failed";
  /** The tail was cut at ENTRY_CAP: no cursor goes on from here. */
  cut: boolean;
  failure: string | null;
}

export const EMPTY_LIST: ReviewList<never> = {
  phase: "loading",
  entries: [],
  held: [],
  heldGap: false,
  heldCursor: null,
  cursor: null,
  more: "idle",
  cut: false,
  failure: null,
};

export type ListAction<T extends Entry> =
  | { type: "reset" }
  | { type: "first"; entries: readonly T[]; cursor: string | null }
  | { type: "refused"; message: string }
  /** The newest pages. gap: unfetched ones lie between them and what is known. */
  | { type: "live"; entries: readonly T[]; gap: boolean; cursor: string | null; hold: boolean }
  | { type: "release" }
  | { type: "moreStarted" }
  | { type: "more"; entries: readonly T[]; cursor: string | null }
  | { type: "moreFailed" }
  /** What is known of these has changed; unknown ones are left out. */
  | { type: "update"; entries: readonly T[] };

/** Of two readings of one entry, what is shown from now on; `known` itself where nothing changed. */
export type Join<T> = (known: T, next: T) => T;

export function reduceList<T extends Entry>(list: ReviewList<T>, action: ListAction<T>, join: Join<T>): ReviewList<T> {
  switch (action.type) {
    case "reset":
      return EMPTY_LIST;
    case "refused":
      return { ...EMPTY_LIST, phase: "failed", failure: action.message };
    case "first":
      return capped({ ...EMPTY_LIST, phase: "ready", entries: merged([], action.entries, join), cursor: action.cursor });
    case "live":
      return live(list, action, join);
    case "release":
      if (!list.held.length) return list;
      if (list.heldGap) return { ...EMPTY_LIST, phase: "ready", entries: list.held, cursor: list.heldCursor };
      return capped({ ...list, entries: merged(list.entries, list.held, join), held: [] });
    case "moreStarted":
      return { ...list, more: "loading" };
    case "more":
      return capped({ ...list, more: "idle", entries: merged(list.entries, action.entries, join), cursor: action.cursor });
    case "moreFailed":
      return { ...list, more: "failed" };
    case "update": {
      const entries = updated(list.entries, action.entries, join);
      const held = updated(list.held, action.entries, join);
      return entries === list.entries && held === list.held ? list : { ...list, entries, held };
    }
  }
}

function live<T extends Entry>(
  before: ReviewList<T>,
  action: Extract<ListAction<T>, { type: "live" }>,
  join: Join<T>,
): ReviewList<T> {
  const list = reduceList(before, { type: "update", entries: action.entries }, join);
  const oldest = list.entries[list.entries.length - 1];
  const known = new Set([...list.entries, ...list.held].map(({ id }) => id));
  // What lies below the tail comes with the next page, in its place.
  const fresh = action.entries.filter(
    ({ id, sort }) => !known.has(id) && (!oldest || (list.cursor === null && !list.cut) || sort > oldest.sort),
  );
  if (!fresh.length && (action.hold || !list.held.length)) return list;
  const held = merged(list.held, fresh, join);
  if (action.hold && list.entries.length) {
    if (action.gap) return { ...list, held: merged([], action.entries, join), heldGap: true, heldCursor: action.cursor };
    if (held.length <= HELD_CAP) return { ...list, held };
    // Too many to keep beside the list: what was fetched last stands for them, and its cursor goes on from there.
    return { ...list, held: merged([], action.entries, join), heldGap: true, heldCursor: action.cursor };
  }
  if (action.gap || list.heldGap) {
    // Never a list with a hole in it.
    return { ...EMPTY_LIST, phase: "ready", entries: merged([], action.entries, join), cursor: action.cursor };
  }
  return capped({ ...list, entries: merged(list.entries, held, join), held: [] });
}

/** Each once, newest first. */
function merged<T extends Entry>(known: readonly T[], more: readonly T[], join: Join<T>): readonly T[] {
  const all = new Map(known.map((entry) => [entry.id, entry]));
  for (const entry of more) {
    const there = all.get(entry.id);
    all.set(entry.id, there ? join(there, entry) : entry);
  }
  return [...all.values()].sort((a, b) => (a.sort < b.sort ? 1 : a.sort > b.sort ? -1 : 0));
}

function updated<T extends Entry>(entries: readonly T[], next: readonly T[], join: Join<T>): readonly T[] {
  if (!next.length) return entries;
  const byId = new Map(next.map((entry) => [entry.id, entry]));
  let changed = false;
  const result = entries.map((entry) => {
    const found = byId.get(entry.id);
    const joined = found ? join(entry, found) : entry;
    changed ||= joined !== entry;
    return joined;
  });
  return changed ? result : entries;
}

function capped<T extends Entry>(list: ReviewList<T>): ReviewList<T> {
  if (list.entries.length <= ENTRY_CAP) return list;
  return { ...list, entries: list.entries.slice(0, ENTRY_CAP), cursor: null, cut: true };
}

export interface Newest<T> {
  entries: T[];
  gap: boolean;
  cursor: string | null;
}

const CATCH_UP_PAGES = 3;

/**
 * Newest pages down to the first entry already known. `gap` when that was not reached: what was found then stands alone,
 * with `cursor` after it. A page may be empty and still have a next one.
 */
export async function newestPages<T extends Entry>(
  known: ReadonlySet<string>,
  page: (cursor: string | null) => Promise<{ entries: T[]; cursor: string | null }>,
): Promise<Newest<T>> {
  const entries: T[] = [];
  let cursor: string | null = null;
  for (let n = 0; n < CATCH_UP_PAGES; n += 1) {
    const answer: { entries: T[]; cursor: string | null } = await page(cursor);
    entries.push(...answer.entries);
    cursor = answer.cursor;
    if (cursor === null || answer.entries.some(({ id }) => known.has(id))) return { entries, gap: false, cursor };
    if (known.size === 0) return { entries, gap: entries.length > 0, cursor };
  }
  return { entries, gap: entries.length > 0, cursor };
}

/** Which entry is next to this one; the first or last where there is none further. null where the list is empty. */
export function neighbour<T extends Entry>(entries: readonly T[], selected: string | null, step: 1 | -1): T | null {
  const at = entries.findIndex(({ id }) => id === selected);
  if (at < 0) return entries[0] ?? null;
  return entries[Math.min(entries.length - 1, Math.max(0, at + step))] ?? null;
}

/** Rows drawn beyond each edge of the window. */
const OVERSCAN_ROWS = 8;
/** The range moves in steps of this, so that not every pixel of a scroll draws anew. */
const STEP_ROWS = 4;

/** Which rows to draw: [first, end). topPx: how far the list's top lies above the window's. */
export function rowsInView(count: number, rowPx: number, topPx: number, windowPx: number): [first: number, end: number] {
  const first = Math.floor((Math.max(0, topPx) / rowPx - OVERSCAN_ROWS) / STEP_ROWS) * STEP_ROWS;
  const end = Math.ceil((Math.max(0, topPx + windowPx) / rowPx + OVERSCAN_ROWS) / STEP_ROWS) * STEP_ROWS;
  return [Math.max(0, Math.min(first, count)), Math.max(0, Math.min(end, count))];
}
