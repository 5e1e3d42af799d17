import type { RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { TimelineRange } from "../../state/timelineWindow";
import { panned, spanOf, windowOf, zoomed } from "../../state/timelineWindow";
import { timeAt } from "../../state/timelineScale";

const DRAG_FROM_PX = 5;
const WHEEL_STEP = 0.0022;

interface Deps {
  range: TimelineRange;
  nowMs: number;
  widthPx: number;
  /** Left edge of the plots, in the window. */
  leftPx: () => number;
  /** A movement under way; `begins` on its first. */
  onMove: (range: TimelineRange, begins: boolean) => void;
  onMoved: () => void;
  /** Another wheel step. */
  onStep: (range: TimelineRange) => void;
}

/** Drag and swipe move the time, two fingers and ctrl with the wheel zoom it. What a finger moves up or down stays the page's. */
export function useGestures(area: RefObject<HTMLElement | null>, deps: Deps): { wasDragged: () => boolean } {
  const latest = useRef(deps);
  latest.current = deps;
  const dragged = useRef(false);

  useEffect(() => {
    const element = area.current;
    if (!element) return;
    const pointers = new Map<number, number>();
    let start: { range: TimelineRange; nowMs: number; xs: number[] } | null = null;

    const begin = () => {
      const { range, nowMs } = latest.current;
      start = { range, nowMs, xs: [...pointers.values()].slice(0, 2) };
    };
    const onDown = (event: PointerEvent) => {
      if (event.button !== 0 || (event.target as Element).closest("a, .tl-card")) return;
      if (pointers.size === 0) dragged.current = false;
      pointers.set(event.pointerId, event.clientX);
      begin();
    };
    const onPointerMove = (event: PointerEvent) => {
      if (!pointers.has(event.pointerId) || !start) return;
      pointers.set(event.pointerId, event.clientX);
      const { widthPx, leftPx, onMove } = latest.current;
      const xs = [...pointers.values()].slice(0, 2);
      const moved = Math.max(...xs.map((x, index) => Math.abs(x - (start?.xs[index] ?? x))));
      const begins = !dragged.current;
      if (begins && moved < DRAG_FROM_PX) return;
      dragged.current = true;
      element.setPointerCapture(event.pointerId);
      const [a0 = 0, b0] = start.xs;
      const [a1 = 0, b1] = xs;
      if (b0 === undefined || b1 === undefined) {
        onMove(panned(start.range, ((a0 - a1) / widthPx) * spanOf(start.range), start.nowMs), begins);
        return;
      }
      const factor = Math.max(20, Math.abs(a0 - b0)) / Math.max(20, Math.abs(a1 - b1));
      const about = timeAt((a0 + b0) / 2 - leftPx(), windowOf(start.range, start.nowMs), widthPx);
      const scaled = zoomed(start.range, factor, about, start.nowMs);
      onMove(panned(scaled, (((a0 + b0) / 2 - (a1 + b1) / 2) / widthPx) * spanOf(scaled), start.nowMs), begins);
    };
    const onUp = (event: PointerEvent) => {
      if (!pointers.delete(event.pointerId)) return;
      if (pointers.size > 0) return begin();
      start = null;
      if (dragged.current) latest.current.onMoved();
    };
    const onWheel = (event: WheelEvent) => {
      const { range, nowMs, widthPx, leftPx, onStep } = latest.current;
      const sideways = Math.abs(event.deltaX) > Math.abs(event.deltaY);
      if (!event.ctrlKey && !sideways) return;
      event.preventDefault();
      const scale = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
      if (event.ctrlKey) {
        const about = timeAt(event.clientX - leftPx(), windowOf(range, nowMs), widthPx);
        onStep(zoomed(range, Math.exp(Math.max(-300, Math.min(300, event.deltaY * scale)) * WHEEL_STEP), about, nowMs));
      } else onStep(panned(range, ((event.deltaX * scale) / widthPx) * spanOf(range), nowMs));
    };
    element.addEventListener("pointerdown", onDown);
    element.addEventListener("pointermove", onPointerMove);
    element.addEventListener("pointerup", onUp);
    element.addEventListener("pointercancel", onUp);
    element.addEventListener("wheel", onWheel, { passive: false });
    return () => {
      element.removeEventListener("pointerdown", onDown);
      element.removeEventListener("pointermove", onPointerMove);
      element.removeEventListener("pointerup", onUp);
      element.removeEventListener("pointercancel", onUp);
      element.removeEventListener("wheel", onWheel);
    };
  }, [area]);
  return { wasDragged: () => dragged.current };
}
