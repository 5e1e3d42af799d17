import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import { navigate, useApp } from "../../app/context";
import { useKeys } from "../../app/keys";
import { rfc3339 } from "../../state/filters";
import { searchOf } from "../../state/route";
import { skylines } from "../../state/timelineDensity";
import { drawnOf, itemsOf, lanesOf, rowsOf, type Drawn } from "../../state/timelineItems";
import { MAX_ITEMS } from "../../state/timelineLoad";
import { axisOf } from "../../state/timelineScale";
import { timeWords } from "../../state/timelineWords";
import {
  around,
  centred,
  holdsNow,
  panned,
  readTimeline,
  searchOfTimeline,
  spanOf,
  windowOf,
  zoomed,
  type TimelineAddress,
  type TimelineRange,
} from "../../state/timelineWindow";
import { strings } from "../../strings";
import { timeline as words } from "../../strings/timeline";
import "../../styles/timeline.css";
import { zoneAbbreviation } from "../../time/zone";
import { CloseIcon, UpIcon } from "../../ui/icons";
import { useTicking } from "../../ui/ticker";
import type { ViewProps } from "../view";
import { Card } from "./Card";
import { Chart } from "./Chart";
import { Happenings } from "./Happenings";
import { Legend } from "./Legend";
import { Toolbar } from "./Toolbar";
import { useGestures } from "./useGestures";
import { useTimelineData } from "./useTimelineData";

/** Steps that follow one another this fast are one for the back button. */
const ONE_STEP_MS = 700;
/** Some browsers refuse an address that changes more often than thrice a second. */
const ADDRESS_EVERY_MS = 350;
const CARD_LEAVES_AFTER_MS = 300;
const PHONE = "(width < 720px)";

/** Visits and alerts of each camera on an axis of site time. */
export function TimelineView({ params }: ViewProps) {
  const { site, zone, serverNow } = useApp();
  const read = useMemo(() => readTimeline(params, serverNow()), [params]);
  const [widthPx, setWidthPx] = useState(1000);
  const [dragged, setDragged] = useState<TimelineRange | null>(null);
  const [note, setNote] = useState(true);
  const [card, setCard] = useState<{ key: string; stays: boolean } | null>(null);
  const [focusedKey, setFocusedKey] = useState<string | null>(null);
  const list = useRef<HTMLDivElement>(null);
  const area = useRef<HTMLElement>(null);
  useEffect(() => setNote(true), [read]);

  const address: TimelineAddress = { ...read.address, range: dragged ?? read.address.range };
  const { range, cameras: chosen, label } = address;
  const place = searchOfTimeline(read.address);

  // -- what must not move
  const isHeld = () => card !== null || focusedKey !== null || dragged !== null || isReading(list.current);
  const heldRef = useRef(isHeld);
  heldRef.current = isHeld;
  const feed = useTimelineData(address, useCallback(() => heldRef.current(), []));
  const stillNow = useRef(serverNow());
  const everyMs = Math.max(1_000, Math.round(spanOf(range) / widthPx));
  const nowMs = useTicking(() => {
    if (!isHeld()) stillNow.current = Math.floor(serverNow() / everyMs) * everyMs;
    return stillNow.current;
  });
  const span = windowOf(range, nowMs);
  const held = isHeld();
  useEffect(() => {
    if (!held) feed.release();
  }, [held]);

  // -- what is drawn
  const isPhone = useMedia(PHONE);
  // Type is larger on a wall.
  const scale = useMemo(() => parseFloat(getComputedStyle(document.documentElement).fontSize) / 16 || 1, [widthPx]);
  const sizes = { marksPx: 28 * scale, markPx: 24 * scale, rowPx: (isPhone ? 36 : 28) * scale };
  const { data } = feed;
  // The axis steps on by the pixel, which may be minutes: what has happened since is at its end, not left out.
  const itemsToMs = range.kind === "last" ? Number.POSITIVE_INFINITY : span.toMs;
  const items = useMemo(
    () => itemsOf(data, { fromMs: span.fromMs, toMs: itemsToMs }, nowMs),
    [data, span.fromMs, itemsToMs, nowMs],
  );
  const rows = useMemo(() => rowsOf(site.watch_labels, label, items), [site, label, items]);
  const cameras = useMemo(() => {
    const known = site.cameras.filter(({ camera_id }) => chosen.length === 0 || chosen.includes(camera_id));
    const others = chosen.filter((id) => !site.cameras.some(({ camera_id }) => camera_id === id));
    return [
      ...known.map((camera) => ({ camera, known: true })),
      ...others.map((id) => ({ camera: { camera_id: id, name: id }, known: false })),
    ];
  }, [site, read]);
  const lanes = useMemo(() => lanesOf(items, cameras, rows, { window: span, widthPx, markPx: sizes.markPx }), [items, cameras, rows, widthPx, sizes.markPx]);
  const axis = useMemo(() => axisOf(span, widthPx, zone, (isPhone ? 70 : 84) * scale), [span.fromMs, span.toMs, widthPx, zone, isPhone, scale]);
  const { stats } = feed;
  const laneHeightPx = sizes.marksPx + rows.length * sizes.rowPx;
  const density = useMemo(
    () => (stats && stats !== "none" ? skylines(stats, label, span, widthPx, laneHeightPx) : new Map()),
    [stats, label, span.fromMs, span.toMs, widthPx, laneHeightPx],
  );

  // -- moving
  const lastStep = useRef(0);
  useEffect(() => {
    const forget = () => void (lastStep.current = 0);
    window.addEventListener("popstate", forget);
    return () => window.removeEventListener("popstate", forget);
  }, []);
  const goTo = (next: Partial<TimelineAddress>, replace = false) => {
    lastStep.current = 0;
    navigate(searchOfTimeline({ ...address, ...next }), { replace });
  };
  const stepTo = (next: TimelineRange) => {
    goTo({ range: next }, performance.now() - lastStep.current < ONE_STEP_MS);
    lastStep.current = performance.now();
  };
  const zoomBy = (factor: number) => {
    const at = focusedKey === null ? null : items.find(({ key }) => key === focusedKey);
    const about = at ? at.fromMs : range.kind === "last" ? span.toMs : (span.fromMs + span.toMs) / 2;
    stepTo(zoomed(range, factor, about, nowMs));
  };
  const panBy = (share: number) => stepTo(panned(range, share * spanOf(range), nowMs));
  const written = useRef(0);
  const dragTo = useRef<TimelineRange | null>(null);
  const gestures = useGestures(area, {
    range,
    nowMs,
    widthPx,
    leftPx: () => area.current?.querySelector(".tl-ruler")?.getBoundingClientRect().left ?? 0,
    onMove: (next, begins) => {
      dragTo.current = next;
      if (begins) {
        setCard(null);
        goTo({ range: next });
        written.current = performance.now();
      } else if (performance.now() - written.current > ADDRESS_EVERY_MS) {
        goTo({ range: next }, true);
        written.current = performance.now();
      }
      setDragged(next);
    },
    onMoved: () => {
      if (dragTo.current) goTo({ range: dragTo.current }, true);
      dragTo.current = null;
      setDragged(null);
    },
    onStep: stepTo,
  });

  useKeys(words.heading, [
    { press: "+", words: words.zoomIn, run: () => zoomBy(0.5), repeats: true },
    { press: "-", words: words.zoomOut, run: () => zoomBy(2), repeats: true },
    { press: "ArrowLeft", words: words.keys.earlier, run: () => panBy(-0.25), repeats: true },
    { press: "ArrowRight", words: words.keys.later, run: () => panBy(0.25), repeats: true },
    { press: "n", words: words.nowTitle, run: () => goTo({ range: { kind: "last", spanMs: spanOf(range) } }) },
    { press: "Escape", words: words.card.close },
  ]);

  // -- the card
  const leaving = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => () => clearTimeout(leaving.current), []);
  const show = (drawn: Drawn, how: "passing" | "staying") => {
    clearTimeout(leaving.current);
    const key = drawn.items[0]?.key;
    // On a small screen the card lies over the lanes: only for who asks for it.
    if (key === undefined || (how === "passing" && isPhone && card?.key !== key)) return;
    setCard((now) => (how === "passing" && now?.stays ? now : { key, stays: how === "staying" }));
  };
  const leave = () => {
    clearTimeout(leaving.current);
    leaving.current = setTimeout(() => setCard((now) => (now?.stays ? now : null)), CARD_LEAVES_AFTER_MS);
  };
  // Who closes a card by a press beside it does not also want the frame that lies there.
  const justClosed = useRef(false);
  const isPinned = card?.stays ?? false;
  useEffect(() => {
    const onDown = (event: PointerEvent) => {
      justClosed.current = isPinned && !(event.target as Element).closest(".tl-card, [data-key]");
      if (justClosed.current) setCard(null);
    };
    const onKeyDown = (event: KeyboardEvent) => void (event.key === "Escape" && setCard(null));
    document.addEventListener("pointerdown", onDown);
    document.addEventListener("keydown", onKeyDown);
    return () => {
      document.removeEventListener("pointerdown", onDown);
      document.removeEventListener("keydown", onKeyDown);
    };
  }, [isPinned]);
  const open = card && drawnOf(lanes, card.key);

  const from = timeWords(span.fromMs, zone);
  const shownWords = range.kind === "last" ? words.windowLive(from) : words.window(from, timeWords(span.toMs, zone));
  const visits = items.filter(({ kind }) => kind === "visit").length;
  const spoken = useSpoken(place, feed.loading, words.moved(shownWords, visits, items.length - visits));
  const showsNow = holdsNow(range, nowMs);
  return (
    <>
      <Toolbar
        address={address}
        cameras={site.cameras}
        middleMs={(span.fromMs + span.toMs) / 2}
        onRange={(next) => goTo({ range: next })}
        onPan={panBy}
        onZoom={zoomBy}
        onJump={(atMs) => goTo({ range: centred(range, atMs, nowMs) })}
        onFilter={goTo}
      />
      <main id="main" tabIndex={-1} aria-label={words.heading} aria-busy={feed.loading} class="tl-main">
        {note && (read.ignored.length > 0 || read.shortened) && (
          <p class="note" role="status">
            {read.ignored.length > 0 ? strings.banner.ignoredParams(read.ignored.join(", ")) : words.shortened}
            <button type="button" class="label-clear" aria-label={strings.banner.dismiss} onClick={() => setNote(false)}>
              <CloseIcon />
            </button>
          </p>
        )}
        <div class="tl-head">
          <p class="tl-window" data-testid="window">
            {shownWords}
          </p>
          <p class="hint">{words.noteZone(zone, zoneAbbreviation(span.toMs, zone))}</p>
          {feed.loading && <p class="hint">{words.loading}</p>}
          {feed.newCount > 0 && (
            <button
              type="button"
              class="button tl-new"
              title={words.newPillHint}
              onClick={() => {
                setCard(null);
                (document.activeElement as HTMLElement | null)?.blur();
                window.scrollTo(0, 0);
                feed.release();
              }}
            >
              <UpIcon />
              {words.newPill(feed.newCount)}
            </button>
          )}
        </div>
        {data.completeFromMs !== null && (
          <p class="tl-cut" role="status">
            {words.notRead(timeWords(data.completeFromMs, zone), MAX_ITEMS.toLocaleString("en"))}
          </p>
        )}
        <Chart
          areaRef={area}
          lanes={lanes}
          rows={rows}
          axis={axis}
          window={span}
          widthPx={widthPx}
          sizes={sizes}
          skylines={density}
          nowMs={showsNow ? nowMs : null}
          completeFromMs={data.completeFromMs}
          openKey={open ? card.key : null}
          wasDragged={gestures.wasDragged}
          onWidth={setWidthPx}
          onShow={show}
          onLeave={leave}
          onEmpty={(camera, atMs) => {
            if (!justClosed.current) navigate(searchOf("frame", { camera, at: rfc3339(Math.round(atMs)) }));
          }}
          onFocusIn={(drawn) => {
            setFocusedKey(drawn?.items[0]?.key ?? null);
            if (!drawn) setCard((now) => (now?.stays ? null : now));
          }}
          card={
            open && (
              <Card
                drawn={open}
                data={data}
                onClose={() => setCard(null)}
                onZoomIn={() => {
                  setCard(null);
                  goTo({ range: around(open, nowMs) });
                }}
              />
            )
          }
        />
        <p id="tl-help" class="hint tl-help">
          {words.help}
        </p>
        <Legend rows={rows} label={label} density={stats === "none" ? "none" : stats ? "there" : "waits"} />
        <div ref={list}>
          {items.length === 0 && !feed.loading ? (
            <p class="tl-nothing">
              <strong>{words.nothing}</strong> {words.nothingHint}
            </p>
          ) : (
            <Happenings items={items} data={data} place={place} />
          )}
        </div>
      </main>
      <div class="sr-only" role="status">
        {spoken}
      </div>
    </>
  );
}

/** Whether the list is what is being looked at. */
function isReading(list: HTMLElement | null): boolean {
  if (!list) return false;
  if (list.contains(document.activeElement)) return true;
  return window.scrollY > 8 && list.getBoundingClientRect().top < window.innerHeight / 2;
}

/** What a move led to, once it is there; nothing for what only came in by itself. */
function useSpoken(place: string, loading: boolean, text: string): string {
  const [spoken, setSpoken] = useState("");
  const first = useRef(place);
  useEffect(() => {
    if (loading || first.current === place) return;
    first.current = place;
    setSpoken(text);
  }, [place, loading]);
  return spoken;
}

function useMedia(query: string): boolean {
  const [matches, setMatches] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const media = matchMedia(query);
    const onChange = () => setMatches(media.matches);
    media.addEventListener("change", onChange);
    return () => media.removeEventListener("change", onChange);
  }, [query]);
  return matches;
}
