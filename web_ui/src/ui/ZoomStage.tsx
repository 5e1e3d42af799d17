import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { useKeys } from "../app/keys";
import type { Point } from "../state/polygon";
import { layoutOf, maxZoom, panned, pointAt, settled, STEP, WHOLE, zoomed, type Layout, type Look, type Size } from "../state/zoom";
import { strings } from "../strings";
import "../styles/zoom.css";
import { BigIcon, MinusIcon, PlusIcon } from "./icons";

interface Props {
  picture: Size;
  look: Look;
  onLook: (look: Look) => void;
  /** The stage was pressed at a place of the picture, and not dragged. */
  onTap?: (at: Point) => void;
  /** What lies on the stage; it is placed by the layout, at the screen's own size. */
  children: (layout: Layout, stage: Size) => ComponentChildren;
}

const PAN_SHARE = 0.15;
/** A hand is not still: closer than this is no drag. */
const TAP_PX = 5;

/** A picture to look closer at, by wheel, pinch, keys and buttons, and to move about. */
export function ZoomStage({ picture, look, onLook, onTap, children }: Props) {
  const element = useRef<HTMLDivElement>(null);
  const [stage, setStage] = useState<Size>({ width: 0, height: 0 });
  useLayoutEffect(() => {
    const measured = element.current!;
    const measure = () => setStage({ width: measured.clientWidth, height: measured.clientHeight });
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(measured);
    return () => observer.disconnect();
  }, []);

  // Read by listeners: a second event may come before the next rendering.
  const now = useRef({ look, stage, picture });
  now.current = { look, stage, picture };
  const change = (make: (look: Look, stage: Size, picture: Size) => Look) => {
    const next = make(now.current.look, now.current.stage, now.current.picture);
    now.current.look = next;
    onLook(next);
  };
  const zoomBy = (factor: number, anchorPx?: Point) =>
    change((at, size, shown) => zoomed(at, factor, anchorPx ?? [size.width / 2, size.height / 2], size, shown));
  const panBy = (dx: number, dy: number) => change((at, size, shown) => panned(at, dx, dy, size, shown));

  const zoomByRef = useRef(zoomBy);
  zoomByRef.current = zoomBy;
  useEffect(() => {
    const wheeled = element.current!;
    const onWheel = (event: WheelEvent) => {
      // Out of the whole picture, the wheel is the page's.
      if (event.deltaY === 0 || (event.deltaY > 0 && now.current.look.zoom <= 1)) return;
      event.preventDefault();
      const px = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? event.deltaY * 30 : event.deltaY;
      zoomByRef.current(Math.exp(Math.max(-0.4, Math.min(0.4, -px / 300))), placeIn(wheeled, event));
    };
    // Preact binds wheel passively.
    wheeled.addEventListener("wheel", onWheel, { passive: false });
    return () => wheeled.removeEventListener("wheel", onWheel);
  }, []);

  const pointers = useRef(new Map<number, Point>());
  const pressedAt = useRef<Point | null>(null);
  const onPointerDown = (event: PointerEvent) => {
    if (event.button !== 0) return;
    const at = placeIn(element.current!, event);
    pointers.current.set(event.pointerId, at);
    pressedAt.current = pointers.current.size === 1 ? at : null;
    element.current!.setPointerCapture(event.pointerId);
  };
  const onPointerMove = (event: PointerEvent) => {
    const before = pointers.current.get(event.pointerId);
    if (!before) return;
    const at = placeIn(element.current!, event);
    if (pressedAt.current && distance(pressedAt.current, at) <= TAP_PX) return;
    pressedAt.current = null;
    pointers.current.set(event.pointerId, at);
    const other = [...pointers.current].find(([id]) => id !== event.pointerId)?.[1];
    if (other) {
      const apart = distance(before, other);
      if (apart > 0) zoomBy(distance(at, other) / apart, middle(at, other));
      panBy((at[0] - before[0]) / 2, (at[1] - before[1]) / 2);
    } else panBy(at[0] - before[0], at[1] - before[1]);
  };
  const onPointerUp = (event: PointerEvent) => {
    if (!pointers.current.delete(event.pointerId) || event.type === "pointercancel") return;
    const at = pressedAt.current;
    pressedAt.current = null;
    if (!at || !onTap) return;
    const [x, y] = pointAt(layoutOf(now.current.look, now.current.stage, now.current.picture), at);
    if (x >= 0 && x <= 1 && y >= 0 && y <= 1) onTap([x, y]);
  };

  useKeys(strings.zoom.keys.heading, [
    { press: "+", words: strings.zoom.closer, run: () => zoomBy(STEP), repeats: true },
    { press: "-", words: strings.zoom.farther, run: () => zoomBy(1 / STEP), repeats: true },
    { press: "0", words: strings.zoom.whole, run: () => onLook(WHOLE) },
    { press: "Shift Arrow", words: strings.zoom.move },
  ]);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (!event.shiftKey || event.altKey || event.ctrlKey || event.metaKey || isTyping(event.target)) return;
      const { stage: size } = now.current;
      const [dx, dy] = [size.width * PAN_SHARE, size.height * PAN_SHARE];
      const move: Record<string, [number, number]> = { ArrowLeft: [dx, 0], ArrowRight: [-dx, 0], ArrowUp: [0, dy], ArrowDown: [0, -dy] };
      const by = move[event.key];
      if (!by) return;
      event.preventDefault();
      panBy(...by);
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  });

  const shown = settled(look, stage, picture);
  const layout = layoutOf(shown, stage, picture);
  const isClosest = shown.zoom >= maxZoom(stage, picture) - 1e-6;
  const isWhole = shown.zoom <= 1 + 1e-6;
  return (
    <div class="zoom" role="group" aria-label={strings.zoom.stage}>
      <div
        ref={element}
        class={`zoom-stage ${isWhole ? "" : "is-close"}`}
        onPointerDown={onPointerDown}
        onPointerMove={onPointerMove}
        onPointerUp={onPointerUp}
        onPointerCancel={onPointerUp}
      >
        {stage.width > 0 && children(layout, stage)}
      </div>
      <div class="zoom-buttons">
        <button type="button" class="button" aria-label={strings.zoom.closer} title={strings.zoom.hint} aria-disabled={isClosest} onClick={() => zoomBy(STEP)}>
          <PlusIcon />
        </button>
        <span class="zoom-percent digits">{strings.zoom.percent(picture.width > 0 ? Math.round((layout.width / picture.width) * 100) : 100)}</span>
        <button type="button" class="button" aria-label={strings.zoom.farther} title={strings.zoom.hint} aria-disabled={isWhole} onClick={() => zoomBy(1 / STEP)}>
          <MinusIcon />
        </button>
        <button type="button" class="button" aria-label={strings.zoom.whole} title={strings.zoom.whole} aria-disabled={isWhole} onClick={() => onLook(WHOLE)}>
          <BigIcon />
        </button>
      </div>
    </div>
  );
}

/** The picture's own place on the stage. */
export function styleOf({ left, top, width, height }: Layout): Record<string, string> {
  return { left: `${left}px`, top: `${top}px`, width: `${width}px`, height: `${height}px` };
}

export function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches("input:not([type=checkbox]), textarea, select");
}

function placeIn(element: HTMLElement, { clientX, clientY }: { clientX: number; clientY: number }): Point {
  const { left, top } = element.getBoundingClientRect();
  return [clientX - left, clientY - top];
}

function distance([x1, y1]: Point, [x2, y2]: Point): number {
  return Math.hypot(x2 - x1, y2 - y1);
}

function middle([x1, y1]: Point, [x2, y2]: Point): Point {
  return [(x1 + x2) / 2, (y1 + y2) / 2];
}
