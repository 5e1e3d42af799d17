import "../../styles/review.css";
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { windowAround } from "../../api/client";
import type { Alert, AnswerKind } from "../../api/types";
import { may, navigate, useApp, useConnection, usePoll } from "../../app/context";
import { useDeeds } from "../../app/deeds";
import { useKeys } from "../../app/keys";
import { useUnreviewedBoard } from "../../app/unreviewed";
import {
  activeFilters,
  addressFromParams,
  NO_REVIEW_FILTERS,
  sameReview,
  searchOfReview,
  type OpenAlert,
  type ReviewFilters,
} from "../../state/reviewAddress";
import { deedOf, type Deed } from "../../state/reviewActions";
import { entryOfAlert, type ReviewEntry } from "../../state/reviewEntries";
import { REVIEW_KEYS, type Command } from "../../state/reviewKeys";
import { HELD_CAP, neighbour } from "../../state/reviewList";
import { deedWords } from "../../state/reviewWords";
import { review } from "../../strings/review";
import { UpIcon, WarnIcon } from "../../ui/icons";
import type { ViewProps } from "../view";
import { Controls } from "./Controls";
import { Detail } from "./Detail";
import { Foot, NothingThere } from "./Foot";
import { Row } from "./Rows";
import { useOpened } from "./useOpened";
import { useReviewList } from "./useReviewList";
import { useMedia, useRowPx } from "./useRowPx";
import { scrollToRow, VirtualRows } from "./VirtualRows";

const AT_TOP_PX = 8;
const SNOOZE_MIN = 30;
const SNOOZES_POLL_MS = 30_000;
const ANSWER_OF: Partial<Record<Command, AnswerKind>> = {
  take: "taken",
  "false-alarm": "false-alarm",
  close: "closed",
  snooze: "snoozed",
};

/** Alerts, newest first, and what was done about them; and why no text came of other visits. */
export function ReviewView({ params }: ViewProps) {
  const { client, me, zone, serverNow } = useApp();
  const { epoch } = useConnection();
  const address = useMemo(() => addressFromParams(params), [params]);
  const { open } = address;
  // The same object while the filters stay, whichever alert is open.
  const kept = useRef(address.filters);
  if (!sameReview(kept.current, address.filters)) kept.current = address.filters;
  const filters = kept.current;

  const isNarrow = useMedia("(width < 1000px)");
  const rowPx = useRowPx();
  const [chosen, setChosen] = useState<string | null>(null);
  const selectedId = open?.alertId ?? chosen;
  const [filtersOpen, setFiltersOpen] = useState(false);
  const [announced, announce] = useState("");
  const main = useRef<HTMLElement>(null);
  const note = useRef<HTMLTextAreaElement>(null);
  const drawn = useRef<readonly ReviewEntry[]>([]);

  const selectedRef = useRef(selectedId);
  selectedRef.current = selectedId;
  const feed = useReviewList({
    filters,
    isHeld: () =>
      window.scrollY > AT_TOP_PX || selectedRef.current !== null || (main.current?.querySelector(".review-rows :focus-visible") ?? null) !== null,
    inView: () => drawn.current,
  });
  const { list } = feed;
  const entries = list.entries;

  const snoozePoll = usePoll("review snoozes", SNOOZES_POLL_MS, async (signal) => (await client.snoozes(signal)).snoozes);
  const snoozes = snoozePoll.data ?? NO_SNOOZES;
  const board = useUnreviewedBoard();
  const opened = useOpened(open, entries);

  // -- what is done about alerts
  const { deeds, all } = useDeeds();
  const taken = useRef(new Set<Deed>());
  const learn = useCallback(
    (alert: Alert) => {
      opened.learn(alert);
      feed.update([entryOfAlert(alert)]);
    },
    [opened.learn, feed.update],
  );
  useEffect(() => {
    const news = all.filter((deed) => deed.phase !== "sending" && !taken.current.has(deed));
    taken.current = new Set(all);
    for (const deed of news) {
      if (deed.result) learn(deed.result);
      announce(deedWords(deed).words);
    }
    if (news.some(({ phase }) => phase === "done")) {
      board.again();
      if (news.some(({ kind }) => kind === "snoozed")) snoozePoll.again();
    }
  }, [all, learn]);
  const unfinished = all.some(({ phase }) => phase !== "done");
  useEffect(() => {
    if (!unfinished) return;
    const stay = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener("beforeunload", stay);
    return () => window.removeEventListener("beforeunload", stay);
  }, [unfinished]);

  const target = (): Alert | null => {
    if (open) return opened.alert;
    const entry = entries.find(({ id }) => id === selectedId);
    return entry?.kind === "alert" ? entry.alert : null;
  };
  const act = (kind: AnswerKind) => {
    const alert = target();
    if (!alert) return;
    if (!may(me, "operator")) return announce(review.actions.viewer);
    deeds.begin(alert, kind, { minutes: kind === "snoozed" ? SNOOZE_MIN : null });
  };

  const wantsNote = useRef(false);
  useLayoutEffect(() => {
    if (!wantsNote.current || !note.current) return;
    wantsNote.current = false;
    note.current.focus();
  });

  // -- moving about
  const focusRow = useRef(false);
  const select = (entry: ReviewEntry | null) => {
    if (!entry) return;
    setChosen(entry.id);
    focusRow.current = true;
    if (open && entry.kind === "alert") navigate(searchOfReview(filters, openOf(entry.alert)), { replace: true });
  };
  useLayoutEffect(() => {
    if (!focusRow.current || selectedId === null) return;
    focusRow.current = false;
    scrollToRow(
      entries.findIndex(({ id }) => id === selectedId),
      rowPx,
    );
    rowLink(selectedId)?.focus({ preventScroll: true });
  }, [selectedId]);

  const behindAt = useRef(0);
  const openAlert = useCallback(
    (alert: Alert) => {
      behindAt.current = window.scrollY;
      setChosen(alert.alert_id);
      navigate(searchOfReview(filters, openOf(alert)));
    },
    [filters],
  );
  const close = () => {
    focusRow.current = true;
    setChosen(open?.alertId ?? null);
    navigate(searchOfReview(filters));
  };
  const isOpen = open !== null;
  useLayoutEffect(() => {
    if (isNarrow) window.scrollTo(0, isOpen ? 0 : behindAt.current);
    if (isOpen || selectedRef.current === null) return;
    rowLink(selectedRef.current)?.focus({ preventScroll: true });
  }, [isOpen, isNarrow]);

  const change = (next: ReviewFilters) => {
    if (sameReview(next, filters)) return;
    setChosen(null);
    navigate(searchOfReview(next));
    window.scrollTo(0, 0);
  };
  const toFilters = () => {
    if (isOpen && isNarrow) close();
    setFiltersOpen(true);
    const focus = () => document.querySelector<HTMLElement>(".review-controls .filters-panel :is(input, select)")?.focus();
    focus();
    // Where the panel was folded away it is there with the next rendering.
    requestAnimationFrame(focus);
  };
  const run = (command: Command) => {
    const answer = ANSWER_OF[command];
    if (answer) return act(answer);
    switch (command) {
      case "next":
        return select(neighbour(entries, selectedRef.current, 1));
      case "previous":
        return select(neighbour(entries, selectedRef.current, -1));
      case "open":
        return selectedRef.current && rowLink(selectedRef.current)?.click();
      case "note": {
        const alert = target();
        if (!alert) return;
        if (!may(me, "operator")) return announce(review.actions.viewer);
        // At once: what is typed next is the note, and would be answers on the page.
        if (note.current) return note.current.focus();
        wantsNote.current = true;
        return openAlert(alert);
      }
      case "filter":
        return toFilters();
    }
  };
  useKeys(
    review.heading,
    REVIEW_KEYS.map(({ command, ...key }) => ({ ...key, words: review.commands[command], run: () => run(command) })),
  );
  const escape = () => {
    const focused = document.activeElement;
    if (focused instanceof HTMLElement && focused.matches("input, select, textarea")) {
      focused.blur();
      if (selectedRef.current !== null) rowLink(selectedRef.current)?.focus({ preventScroll: true });
      return;
    }
    if (isOpen) return close();
    if (focused instanceof HTMLElement) focused.blur();
    setChosen(null);
  };
  // Looked up when it is pressed: an effect that binds it anew comes too late for quick fingers.
  const escaping = useRef(escape);
  escaping.current = escape;
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key === "Escape" && !event.defaultPrevented && !document.querySelector("dialog[open]")) escaping.current();
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, []);

  useEffect(() => {
    // At rest at the top, the newest are what is being read.
    const onScroll = () => void (window.scrollY <= AT_TOP_PX && selectedRef.current === null && feed.release());
    window.addEventListener("scroll", onScroll, { passive: true });
    return () => window.removeEventListener("scroll", onScroll);
  }, [feed.release]);
  const showNewest = () => {
    feed.release();
    if (!isOpen) setChosen(null);
    window.scrollTo(0, 0);
    main.current?.focus({ preventScroll: true });
  };

  const onRenew = useCallback(
    async (entry: ReviewEntry): Promise<string | null> => {
      if (entry.kind === "withheld") return null;
      const [camera_id, captured_at] =
        entry.kind === "alert"
          ? [entry.alert.camera_id, entry.alert.captured_at]
          : [entry.visit.camera_id, entry.visit.best.captured_at];
      const frame_id = entry.kind === "alert" ? entry.alert.frame_id : entry.visit.best.frame_id;
      const page = await client.frames({ camera: camera_id, ...windowAround(captured_at) });
      return page.frames.find((frame) => frame.frame_id === frame_id)?.image_url ?? null;
    },
    [client],
  );
  const onRetry = useCallback((key: string) => deeds.retry(key), [deeds]);
  const onDismiss = useCallback((key: string) => deeds.dismiss(key), [deeds]);
  const hrefOf = useCallback((alert: Alert) => `/${searchOfReview(filters, openOf(alert))}`, [filters]);

  const at = entries.findIndex(({ id }) => id === selectedId);
  const [newer, older] = [entries[at - 1], at < 0 ? undefined : entries[at + 1]];
  const behind = isOpen && isNarrow;
  return (
    <>
      <Controls
        filters={filters}
        ignored={address.ignored}
        behind={behind}
        open={filtersOpen}
        onOpen={setFiltersOpen}
        onChange={change}
      />
      {list.held.length > 0 && !behind && (
        <button type="button" class="pill" title={review.list.newPillHint} onClick={showNewest}>
          <UpIcon />
          {review.list.newPill(Math.min(list.held.length, HELD_CAP), list.heldGap)}
        </button>
      )}
      <main
        id="main"
        ref={main}
        tabIndex={-1}
        class={`review ${isOpen ? "is-open" : ""}`}
        aria-label={review.shown[filters.shown]}
        aria-busy={list.phase === "loading"}
      >
        <div class={`review-listing ${behind ? "is-behind" : ""}`}>
          {list.phase === "ready" && entries.length > 0 && (
            <VirtualRows
              entries={entries}
              rowPx={rowPx}
              selectedId={selectedId}
              label={review.shown[filters.shown]}
              onView={(shown) => (drawn.current = shown)}
              onNearEnd={() => !feed.offline && list.more === "idle" && feed.more()}
              row={(entry) => (
                <Row
                  entry={entry}
                  selected={entry.id === selectedId}
                  deed={deedOf(all, entry.id)}
                  snoozes={snoozes}
                  zone={zone}
                  epoch={epoch}
                  serverNow={serverNow}
                  onOpen={openAlert}
                  hrefOf={hrefOf}
                  onRenew={onRenew}
                  onRetry={onRetry}
                  onDismiss={onDismiss}
                />
              )}
            />
          )}
          {entries.length === 0 && list.cursor === null ? (
            <NothingThere
              list={list}
              shown={filters.shown}
              filtered={activeFilters(filters) > 0}
              onRetry={feed.again}
              onClear={() => change({ ...NO_REVIEW_FILTERS, shown: filters.shown })}
            />
          ) : (
            <Foot
              list={list}
              zone={zone}
              offline={feed.offline}
              onMore={feed.more}
              onOlder={(toMs) =>
                change({
                  ...filters,
                  range: { kind: "custom", fromMs: filters.range.kind === "custom" ? filters.range.fromMs : null, toMs },
                })
              }
            />
          )}
        </div>
        {open && (
          <section class="review-detail" aria-label={review.detail.label} aria-busy={!opened.alert && !opened.gone}>
            {opened.alert ? (
              <Detail
                alert={opened.alert}
                snoozes={snoozes}
                deeds={all.filter(({ alert }) => alert.alert_id === open.alertId)}
                epoch={epoch}
                note={note}
                onAct={act}
                onNote={(text) => opened.alert && deeds.begin(opened.alert, "note", { text })}
                onRetry={onRetry}
                onDismiss={onDismiss}
                onNewer={newer ? () => select(newer) : null}
                onOlder={older ? () => select(older) : null}
                onClose={close}
              />
            ) : (
              <div class={`notice ${opened.gone ? "is-bad" : ""}`} role="status">
                {opened.gone && <WarnIcon />}
                <h2>{opened.gone ? review.detail.gone : review.detail.loading}</h2>
                {opened.gone && <p>{opened.why ?? review.detail.goneText}</p>}
                {opened.gone && (
                  <button type="button" class="button" onClick={close}>
                    {review.detail.back}
                  </button>
                )}
              </div>
            )}
          </section>
        )}
      </main>
      <div class="sr-only" role="status">
        {announced}
      </div>
      <div class="sr-only" role="status">
        {list.held.length ? review.list.newPill(Math.min(list.held.length, HELD_CAP), list.heldGap) : ""}
      </div>
    </>
  );
}

const NO_SNOOZES: [] = [];

function openOf({ alert_id, camera_id, captured_at }: Alert): OpenAlert {
  return { alertId: alert_id, cameraId: camera_id, at: captured_at };
}

function rowLink(id: string): HTMLElement | null {
  const rows = [...document.querySelectorAll<HTMLElement>(".review-row")];
  const row = rows.find(({ dataset }) => dataset.alertId === id || dataset.entryId === id);
  return row?.querySelector<HTMLElement>(".review-open") ?? null;
}
