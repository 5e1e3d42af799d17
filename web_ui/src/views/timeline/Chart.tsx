import type { ComponentChildren, RefObject } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { linkTo, useApp } from "../../app/context";
import { rfc3339 } from "../../state/filters";
import type { Skyline } from "../../state/timelineDensity";
import { drawnOf, hitAt, markOf, newestDrawn, stepFrom, type Drawn, type Lane, type Row, type Step } from "../../state/timelineItems";
import { timeAt, xOf, type Axis } from "../../state/timelineScale";
import { barWords, spokenOf, timeWords } from "../../state/timelineWords";
import type { TimeWindow } from "../../state/timelineWindow";
import { strings } from "../../strings";
import { timeline as words } from "../../strings/timeline";
import { AlertMark } from "./Marks";

const FINGER_PX = 22;
const MOUSE_PX = 3;
const STEPS: Record<string, Step> = {
  ArrowLeft: "earlier",
  ArrowRight: "later",
  ArrowUp: "above",
  ArrowDown: "below",
  Home: "first",
  End: "last",
};

export interface Sizes {
  marksPx: number;
  /** Of one mark. */
  markPx: number;
  rowPx: number;
}

interface Props {
  areaRef: RefObject<HTMLElement | null>;
  lanes: readonly Lane[];
  rows: readonly Row[];
  axis: Axis;
  window: TimeWindow;
  widthPx: number;
  sizes: Sizes;
  skylines: ReadonlyMap<string, Skyline>;
  /** null: not in the window. */
  nowMs: number | null;
  /** What is older was not read. */
  completeFromMs: number | null;
  /** Key of an item whose card is open. */
  openKey: string | null;
  wasDragged: () => boolean;
  onWidth: (px: number) => void;
  /** how: whether it goes again by itself. */
  onShow: (drawn: Drawn, how: "passing" | "staying") => void;
  onLeave: () => void;
  onEmpty: (cameraId: string, atMs: number) => void;
  onFocusIn: (item: Drawn | null) => void;
  card: ComponentChildren;
}

export function Chart(props: Props) {
  const { areaRef, lanes, rows, axis, window: span, widthPx, sizes, nowMs, openKey } = props;
  const { zone } = useApp();
  const ruler = useRef<HTMLDivElement>(null);
  const cardBox = useRef<HTMLDivElement>(null);
  const focused = useRef<string | null>(null);
  const [rove, setRove] = useState<string | null>(null);
  const roving = (rove !== null && drawnOf(lanes, rove)) || newestDrawn(lanes);
  const heightPx = sizes.marksPx + rows.length * sizes.rowPx;
  const x = (utcMs: number) => xOf(utcMs, span, widthPx);
  const roomPx = sizes.markPx * 2;

  useLayoutEffect(() => {
    const element = ruler.current;
    if (!element) return;
    const measure = () => props.onWidth(Math.max(120, Math.round(element.getBoundingClientRect().width)));
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  const buttonOf = (key: string) =>
    [...(areaRef.current?.querySelectorAll<HTMLElement>("[data-key]") ?? [])].find((each) => each.dataset.key === key) ?? null;
  const focusOn = (drawn: Drawn | null) => {
    if (!drawn) return;
    setRove(drawn.key);
    buttonOf(drawn.key)?.focus();
  };
  // Zooming merges and parts what is drawn: the focus stays on what it was on.
  useLayoutEffect(() => {
    if (focused.current === null || document.activeElement !== document.body) return;
    const again = drawnOf(lanes, focused.current);
    if (again) focusOn(again);
    else areaRef.current?.focus({ preventScroll: true });
  });
  // The card stands under what it is about.
  useLayoutEffect(() => {
    const box = cardBox.current;
    const open = openKey === null ? null : drawnOf(lanes, openKey);
    const at = open && buttonOf(open.key)?.getBoundingClientRect();
    const area = areaRef.current?.getBoundingClientRect();
    if (!box || !at || !area) return;
    const left = Math.max(0, Math.min(Math.max(at.left, area.left) - area.left - 24, area.width - box.offsetWidth - 4));
    box.style.setProperty("--x", `${left}px`);
    box.style.setProperty("--y", `${at.bottom - area.top + 6}px`);
  });

  const onKeyDown = (event: KeyboardEvent) => {
    const step = STEPS[event.key];
    const key = (event.target as HTMLElement).dataset?.key;
    if (!step || key === undefined || event.shiftKey || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    focusOn(stepFrom(lanes, key, step));
  };
  const onClick = (event: MouseEvent, lane: Lane) => {
    // A drag ends in a click, too; the keyboard does not drag.
    if (event.detail !== 0 && props.wasDragged()) return;
    const plot = (event.currentTarget as HTMLElement).getBoundingClientRect();
    const button = (event.target as HTMLElement).closest<HTMLElement>("[data-key]");
    const own = button ? (lane.inOrder.find(({ key }) => key === button.dataset.key) ?? null) : null;
    const atX = event.clientX - plot.left;
    const row = Math.floor((event.clientY - plot.top - sizes.marksPx) / sizes.rowPx);
    const isFinger = event instanceof PointerEvent && event.pointerType === "touch";
    const near = own ?? hitAt(row < 0 ? lane.marks : (lane.rows[row] ?? []), atX, isFinger ? FINGER_PX : MOUSE_PX);
    if (!near) return props.onEmpty(lane.camera.camera_id, timeAt(atX, span, widthPx));
    setRove(near.key);
    props.onShow(near, "staying");
    // From the keyboard: on to what can be done with it.
    if (event.detail === 0) requestAnimationFrame(() => cardBox.current?.querySelector<HTMLElement>("a, .button")?.focus());
  };

  return (
    <section
      class="tl"
      ref={areaRef}
      tabIndex={-1}
      aria-label={words.chart}
      aria-describedby="tl-help"
      onKeyDown={onKeyDown}
      onFocusOut={(event) => {
        const next = event.relatedTarget as Node | null;
        if (next ? !areaRef.current?.contains(next) : (event.target as Element).isConnected) {
          focused.current = null;
          props.onFocusIn(null);
        }
      }}
    >
      <div class="tl-axis" aria-hidden="true">
        <div class="tl-ruler" ref={ruler}>
          {axis.ticks.map(({ atMs, words: said, isDay, zone: letters }) => (
            <span key={atMs} class={`tl-tick ${isDay ? "is-day" : ""}`} style={{ left: `${x(atMs)}px` }}>
              {x(atMs) < widthPx - roomPx && said}
              {x(atMs) < widthPx - roomPx && letters && <b> {letters}</b>}
            </span>
          ))}
          {nowMs !== null && <span class="tl-now-word" style={{ left: `${x(nowMs)}px` }}>{words.nowLine}</span>}
        </div>
      </div>
      {lanes.map((lane) => (
        <div
          key={lane.camera.camera_id}
          class="tl-lane"
          role="group"
          data-lane={lane.camera.camera_id}
          aria-label={words.lane(lane.camera.name, lane.visits, lane.alerts)}
        >
          <LaneName lane={lane} rows={rows} sizes={sizes} span={span} />
          <div class="tl-plot" style={{ height: `${heightPx}px` }} onClick={(event) => onClick(event, lane)}>
            <Backdrop {...props} skyline={props.skylines.get(lane.camera.camera_id)} heightPx={heightPx} />
            {lane.inOrder.map((drawn) => {
              const row = lane.rows.findIndex((each) => each.includes(drawn));
              const top = row < 0 ? 1 : sizes.marksPx + row * sizes.rowPx + 2;
              const handlers = {
                "data-key": drawn.key,
                tabIndex: drawn === roving ? 0 : -1,
                "aria-label": spokenOf(drawn, zone),
                "aria-haspopup": "dialog" as const,
                onPointerEnter: (event: PointerEvent) => event.pointerType === "mouse" && event.buttons === 0 && props.onShow(drawn, "passing"),
                onPointerLeave: (event: PointerEvent) => event.pointerType === "mouse" && props.onLeave(),
                onFocus: (event: FocusEvent) => {
                  focused.current = drawn.items[0]?.key ?? null;
                  setRove(drawn.key);
                  props.onFocusIn(drawn);
                  if ((event.currentTarget as Element).matches(":focus-visible")) props.onShow(drawn, "staying");
                },
              };
              const place = { left: `${drawn.x}px`, width: `${drawn.width}px`, top: `${top}px` };
              return row < 0 ? (
                <button key={drawn.key} type="button" class="tl-mark" style={place} {...handlers}>
                  <AlertMark {...markOf(drawn)} />
                  {drawn.items.length > 1 && <b>{drawn.items.length}</b>}
                </button>
              ) : (
                <button
                  key={drawn.key}
                  type="button"
                  class={`tl-bar tone-${rows[row]?.tone} ${isOpen(drawn) ? "is-open" : ""}`}
                  style={{ ...place, height: `${sizes.rowPx - 4}px` }}
                  {...handlers}
                >
                  {drawn.width > (drawn.items.length > 1 ? 18 : 34) && <span>{barWords(drawn)}</span>}
                </button>
              );
            })}
          </div>
        </div>
      ))}
      {props.card && (
        <div
          class="tl-card"
          ref={cardBox}
          role="dialog"
          aria-label={words.card.label}
          onPointerEnter={() => {
            const open = openKey === null ? null : drawnOf(lanes, openKey);
            if (open) props.onShow(open, "passing");
          }}
          onPointerLeave={props.onLeave}
          onKeyDown={(event) => {
            if (event.key !== "Escape") return;
            const open = openKey === null ? null : drawnOf(lanes, openKey);
            focusOn(open);
          }}
        >
          {props.card}
        </div>
      )}
      {axis.changes.map((change) => (
        <p key={change.atMs} class="tl-change">
          {(change.byMs < 0 ? words.clocksBack : words.clocksForward)(change.before, change.after)}, {timeWords(change.atMs, zone)}
        </p>
      ))}
    </section>
  );
}

const isOpen = ({ items }: Drawn) => items.some((item) => item.kind === "visit" && item.isOpen);

function LaneName({ lane: { camera, known, visits, alerts }, rows, sizes, span }: { lane: Lane; rows: readonly Row[]; sizes: Sizes; span: TimeWindow }) {
  return (
    <div class="tl-name">
      <div class="tl-name-head" style={{ minHeight: `${sizes.marksPx}px` }}>
        <strong title={camera.name}>{known ? camera.name : strings.cameras.unknown(camera.camera_id)}</strong>
        <span class="hint">{words.laneCounts(visits, alerts)}</span>
        <a
          class="link"
          title={words.laneFramesTitle(camera.name)}
          aria-label={words.laneFramesTitle(camera.name)}
          {...linkTo("frames", { camera: camera.camera_id, from: rfc3339(Math.floor(span.fromMs)), to: rfc3339(Math.ceil(span.toMs)) })}
        >
          {words.laneFrames}
        </a>
      </div>
      <ul class="tl-name-rows" aria-hidden="true">
        {rows.map(({ label, tone }) => (
          <li key={tone} class={`tone-${tone}`} style={{ height: `${sizes.rowPx}px` }}>
            {label ?? words.others}
          </li>
        ))}
      </ul>
    </div>
  );
}

/** Behind the bars, of no interest to the keyboard: grid, density, what was not read, clock changes, now. */
function Backdrop({ axis, window: span, widthPx, heightPx, skyline, nowMs, completeFromMs }: Props & { skyline: Skyline | undefined; heightPx: number }) {
  const x = (utcMs: number) => xOf(utcMs, span, widthPx).toFixed(1);
  const lines = (at: readonly number[]) => at.map((ms) => `M${x(ms)} 0V${heightPx}`).join("");
  const unreadPx = completeFromMs === null ? 0 : Math.max(0, xOf(completeFromMs, span, widthPx));
  return (
    <svg class="tl-back" width={widthPx} height={heightPx} viewBox={`0 0 ${widthPx} ${heightPx}`} aria-hidden="true" focusable="false">
      <path class="tl-grid" d={lines(axis.ticks.map(({ atMs }) => atMs))} />
      {skyline && <path class="tl-frames" d={skyline.frames} />}
      {skyline && <path class="tl-labelled" d={skyline.labelled} />}
      {unreadPx > 0 && <rect class="tl-unread" x="0" y="0" width={unreadPx} height={heightPx} />}
      {axis.changes.length > 0 && <path class="tl-clocks" d={lines(axis.changes.map(({ atMs }) => atMs))} />}
      {nowMs !== null && <path class="tl-now" d={lines([nowMs])} />}
    </svg>
  );
}
