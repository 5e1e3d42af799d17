import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import { ApiProblem, isAbort, type Query } from "../../api/client";
import { useApp, usePoll } from "../../app/context";
import { queryOf, searchOfReview, type ReviewFilters } from "../../state/reviewAddress";
import { entryOfAlert, entryOfVisit, entryOfWithheld, isUntold, joinEntries, type ReviewEntry } from "../../state/reviewEntries";
import { EMPTY_LIST, newestPages, reduceList, type ListAction, type Newest, type ReviewList } from "../../state/reviewList";

const POLL_MS = 5_000;
const LIVE_PAGE = 24;
const MORE_PAGE = 100;

interface Read {
  /** null where the list had nothing yet: this is its first page. */
  newest: Newest<ReviewEntry>;
  first: boolean;
  /** What is in view, further down than the newest pages reach. */
  updates: ReviewEntry[];
}

interface Options {
  filters: ReviewFilters;
  /** True while new entries must not move the page. */
  isHeld: () => boolean;
  /** The entries in view. */
  inView: () => readonly ReviewEntry[];
}

export interface ReviewFeed {
  list: ReviewList<ReviewEntry>;
  offline: boolean;
  update: (entries: readonly ReviewEntry[]) => void;
  release: () => void;
  more: () => void;
  again: () => void;
}

/** The list that the filters ask for: its newest pages again and again, older ones when asked. */
export function useReviewList({ filters, isHeld, inView }: Options): ReviewFeed {
  const { client, serverNow } = useApp();
  const key = searchOfReview(filters);
  const current = useRef<{ key: string; list: ReviewList<ReviewEntry> }>({ key, list: EMPTY_LIST });
  const [, drawAgain] = useState(0);
  // At once: what another address lists is never shown for this one.
  if (current.current.key !== key) current.current = { key, list: EMPTY_LIST };
  const dispatch = useCallback(
    (action: ListAction<ReviewEntry>) => {
      const list = reduceList(current.current.list, action, (known, next) => joinEntries(known, next, serverNow()));
      if (list === current.current.list) return;
      current.current.list = list;
      drawAgain((n) => n + 1);
    },
    [serverNow],
  );

  // A cursor belongs to one exact query: "the last hour" is counted from when it was asked for.
  const query = useMemo(() => queryOf(filters, serverNow()), [key]);
  const page = useCallback(
    async (more: Query, signal?: AbortSignal): Promise<{ entries: ReviewEntry[]; cursor: string | null }> => {
      const asked = { ...query, ...more };
      if (filters.shown === "untold") {
        const { visits, next_cursor } = await client.visits(asked, signal);
        return { entries: visits.filter(isUntold).map(entryOfVisit), cursor: next_cursor };
      }
      if (filters.shown === "withheld") {
        const { withheld, next_cursor } = await client.withheld(asked, signal);
        return { entries: withheld.map(entryOfWithheld), cursor: next_cursor };
      }
      const { alerts, next_cursor } = await client.alerts(asked, signal);
      return { entries: alerts.map(entryOfAlert), cursor: next_cursor };
    },
    [query, client],
  );

  const poll = usePoll<Read>(`review ${key}`, POLL_MS, async (signal) => {
    const { list } = current.current;
    const first = list.phase !== "ready";
    if (first) {
      const { entries, cursor } = await page({ limit: LIVE_PAGE }, signal);
      return { newest: { entries, gap: false, cursor }, first, updates: [] };
    }
    const known = new Set([...list.entries, ...list.held].map(({ id }) => id));
    const newest = await newestPages(known, (cursor) => page({ limit: LIVE_PAGE, cursor }, signal));
    const reached = new Set(newest.entries.map(({ id }) => id));
    const beyond = inView().flatMap((entry) => (entry.kind === "alert" && !reached.has(entry.id) ? [entry.alert] : []));
    return { newest, first, updates: beyond.length ? await readAgain(beyond, signal) : [] };
  });

  /** What has become of the alerts in view, whether or not they still match the filters. */
  async function readAgain(alerts: { captured_at: string }[], signal: AbortSignal): Promise<ReviewEntry[]> {
    const times = alerts.map(({ captured_at }) => captured_at).sort();
    const to = new Date(Date.parse(times[times.length - 1]!) + 1).toISOString();
    const asked = { camera: query.camera ?? null, from: times[0]!, to, limit: MORE_PAGE };
    return (await client.alerts(asked, signal)).alerts.map(entryOfAlert);
  }

  useEffect(() => {
    if (!poll.data) return;
    const { newest, first, updates } = poll.data;
    if (first) dispatch({ type: "first", entries: newest.entries, cursor: newest.cursor });
    else dispatch({ type: "live", ...newest, hold: isHeld() });
    dispatch({ type: "update", entries: updates });
  }, [poll.data]);
  useEffect(() => {
    // A refusal belongs to these filters: it is said where the list would be.
    if (poll.problem?.kind === "refused" && current.current.list.phase !== "ready") {
      dispatch({ type: "refused", message: poll.problem.message });
    }
  }, [poll.problem]);

  const moreAbort = useRef(new AbortController());
  useEffect(() => () => moreAbort.current.abort(), [key]);
  const more = useCallback(async () => {
    const { list } = current.current;
    if (list.phase !== "ready" || list.more === "loading" || list.cursor === null) return;
    const { cursor } = list;
    moreAbort.current = new AbortController();
    const { signal } = moreAbort.current;
    dispatch({ type: "moreStarted" });
    try {
      const next = await page({ limit: MORE_PAGE, cursor }, signal);
      if (signal.aborted) return;
      // The list may have started over meanwhile: the page then belongs to another.
      const fits = current.current.list.cursor === cursor;
      dispatch(fits ? { type: "more", ...next } : { type: "more", entries: [], cursor: current.current.list.cursor });
    } catch (error) {
      if (isAbort(error)) return;
      dispatch({ type: "moreFailed" });
      if (!(error instanceof ApiProblem)) throw error;
    }
  }, [page, dispatch]);

  return {
    list: current.current.list,
    offline: poll.problem !== null,
    update: useCallback((entries) => dispatch({ type: "update", entries }), [dispatch]),
    release: useCallback(() => dispatch({ type: "release" }), [dispatch]),
    more: useCallback(() => void more(), [more]),
    again: useCallback(() => {
      if (current.current.list.phase === "failed") dispatch({ type: "reset" });
      poll.again();
    }, [dispatch, poll.again]),
  };
}
