import { useEffect, useRef, useState } from "preact/hooks";
import { ApiProblem } from "../../api/client";
import type { Stats } from "../../api/types";
import { useApp, usePoll } from "../../app/context";
import { densityQuery } from "../../state/timelineDensity";
import { joined, loadAll, NOTHING_READ, refreshed, type TimelineData } from "../../state/timelineLoad";
import { holdsNow, windowOf, type TimelineAddress, type TimelineRange } from "../../state/timelineWindow";

const LIVE_EVERY_MS = 5_000;
/** Somebody may still answer what is past. */
const PAST_EVERY_MS = 60_000;
const COUNTS_EVERY_MS = 60_000;
/** Nothing is asked for a window that only passes by. */
const SETTLED_AFTER_MS = 250;

const keyOf = (range: TimelineRange) => (range.kind === "last" ? `last ${range.spanMs}` : `${range.fromMs} ${range.toMs}`);

interface Held {
  key: string;
  filters: string;
  /** All of the window was read once. */
  whole: boolean;
  shown: TimelineData;
  /** Came while something was being read. */
  waiting: TimelineData | null;
}

export interface TimelineFeed {
  data: TimelineData;
  /** The first reading of this window is under way. */
  loading: boolean;
  newCount: number;
  release: () => void;
  /** null: on its way; "none": this API counts nothing. */
  stats: Stats | "none" | null;
}

/** isHeld: something is being read, and must not move. */
export function useTimelineData({ range, cameras, label }: TimelineAddress, isHeld: () => boolean): TimelineFeed {
  const { client, serverNow } = useApp();
  const settled = useSettled({ range, key: keyOf(range) });
  const filters = JSON.stringify([cameras, label]);
  const key = `${settled.key} ${filters}`;
  const live = holdsNow(settled.range, serverNow());
  const [held, setHeld] = useState<Held>({ key: "", filters, whole: false, shown: NOTHING_READ, waiting: null });
  const latest = useRef(held);
  const put = (next: Held) => {
    latest.current = next;
    setHeld(next);
  };

  usePoll(`timeline ${key}`, live ? LIVE_EVERY_MS : PAST_EVERY_MS, async (signal) => {
    const { fromMs, toMs } = windowOf(settled.range, serverNow());
    const ask = { fromMs, toMs: live ? null : toMs, cameras, label };
    const known = latest.current;
    if (known.key === key && known.whole) {
      const fresh = await refreshed(client, ask, known.waiting ?? known.shown, signal);
      if (signal.aborted) return null;
      if (fresh) {
        put(isHeld() ? { ...latest.current, waiting: fresh } : { ...latest.current, shown: fresh, waiting: null });
        return null;
      }
    }
    const before = known.filters === filters ? known.shown : NOTHING_READ;
    const show = (shown: TimelineData, whole: boolean) => signal.aborted || put({ key, filters, whole, shown, waiting: null });
    const data = await loadAll(client, ask, signal, (part) => show(joined(before, part), false));
    show(data, true);
    return null;
  });

  const counts = usePoll<Stats | "none">(`timeline counts ${key}`, COUNTS_EVERY_MS, async (signal) => {
    try {
      return await client.stats(densityQuery(windowOf(settled.range, serverNow()), cameras), signal);
    } catch (error) {
      if (error instanceof ApiProblem && error.kind === "refused") return "none";
      throw error;
    }
  });

  const { shown, waiting } = held;
  const data = held.filters === filters ? shown : NOTHING_READ;
  const newCount = waiting
    ? [...waiting.visits.keys()].filter((id) => !shown.visits.has(id)).length +
      [...waiting.alerts.keys()].filter((id) => !shown.alerts.has(id)).length
    : 0;
  return {
    data,
    loading: held.key !== `${keyOf(range)} ${filters}` || !held.whole,
    newCount,
    release: () => {
      const { waiting: fresh } = latest.current;
      if (fresh) put({ ...latest.current, shown: fresh, waiting: null });
    },
    stats: counts.data,
  };
}

/** The first one at once, later ones when they stay. */
function useSettled<T extends { key: string }>(value: T): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    if (value.key === settled.key) return;
    const timer = setTimeout(() => setSettled(value), SETTLED_AFTER_MS);
    return () => clearTimeout(timer);
  }, [value.key, settled.key]);
  return settled;
}
