import { useLayoutEffect, useRef } from "preact/hooks";
import { middleOf, type Foot, type Point } from "../../state/polygon";
import type { Change } from "../../state/zoneEdit";
import type { Layer, Shape } from "../../state/zonesYaml";
import { pointAt, type Layout, type Size } from "../../state/zoom";
import { zones as words } from "../../strings/zones";

interface PointsProps {
  layer: Layer;
  shape: Shape;
  index: number;
  name: string;
  layout: Layout;
  /** The point that has the focus, or had it last; null: none. */
  active: number | null;
  onActive: (point: number | null, focus: boolean) => void;
  onChange: (change: Change) => void;
}

const STEP = 0.01;
const FINE_STEP = 0.001;
/** A shorter side has no room for a handle between its points. */
const LEAST_SIDE_PX = 64;

/** The points of one polygon: to drag, to move by keys, to put others between. */
export function ShapePoints({ layer, shape, index, name, layout, active, onActive, onChange }: PointsProps) {
  const { points } = shape;
  const onStage = ([x, y]: Point) => ({ left: `${layout.left + x * layout.width}px`, top: `${layout.top + y * layout.height}px` });
  const stroke = useRef(0);
  const dragged = useRef<number | null>(null);

  const place = (event: PointerEvent): Point => {
    const { left, top } = (event.currentTarget as HTMLElement).closest(".zoom-stage")!.getBoundingClientRect();
    return pointAt(layout, [event.clientX - left, event.clientY - top]);
  };
  const insertAfter = (at: number) => {
    onChange({ type: "add-point", layer, shape: index, point: middleOf(points[at]!, points[(at + 1) % points.length]!), at: at + 1 });
    onActive(at + 1, true);
  };
  const onKey = (event: KeyboardEvent, at: number) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const step = event.shiftKey ? FINE_STEP : STEP;
    const [x, y] = points[at]!;
    const to: Record<string, Point> = { ArrowLeft: [x - step, y], ArrowRight: [x + step, y], ArrowUp: [x, y - step], ArrowDown: [x, y + step] };
    const moved = to[event.key];
    if (moved) onChange({ type: "move-point", layer, shape: index, at, point: moved });
    else if (event.key === "Delete" || event.key === "Backspace") {
      onChange({ type: "remove-point", layer, shape: index, at });
      onActive(points.length > 1 ? Math.max(0, at - 1) : null, true);
    } else if (event.key === "Enter") insertAfter(at);
    else return;
    event.preventDefault();
    event.stopPropagation(); // the picture under it stays where it is
  };
  return (
    <div class="points">
      {points.map((point, at) => {
        const next = points[(at + 1) % points.length]!;
        const lengthPx = Math.hypot((next[0] - point[0]) * layout.width, (next[1] - point[1]) * layout.height);
        if (points.length < 2 || (points.length === 2 && at === 1) || lengthPx < LEAST_SIDE_PX) return null;
        return (
          <button
            key={`between ${at}`}
            type="button"
            class="point-between"
            tabIndex={-1}
            aria-label={words.insert(at + 1, ((at + 1) % points.length) + 1)}
            style={onStage(middleOf(point, next))}
            onPointerDown={(event) => event.stopPropagation()}
            onClick={() => insertAfter(at)}
          />
        );
      })}
      {points.map((point, at) => (
        <button
          key={`point ${at}`}
          type="button"
          class={`point ${at === active ? "is-active" : ""}`}
          data-point={at + 1}
          aria-label={words.point(at + 1, points.length, name, point[0], point[1])}
          style={onStage(point)}
          onFocus={() => onActive(at, false)}
          onKeyDown={(event) => onKey(event, at)}
          onPointerDown={(event) => {
            event.stopPropagation(); // no point of its own, and no moving of the picture
            if (event.button !== 0) return;
            event.currentTarget.setPointerCapture(event.pointerId);
            stroke.current += 1;
            dragged.current = at;
          }}
          onPointerMove={(event) => {
            if (dragged.current !== at) return;
            onChange({ type: "move-point", layer, shape: index, at, point: place(event), stroke: `drag ${index} ${at} ${stroke.current}` });
          }}
          onPointerUp={() => (dragged.current = null)}
          onPointerCancel={() => (dragged.current = null)}
        >
          <span aria-hidden="true">{at + 1}</span>
        </button>
      ))}
    </div>
  );
}

/** Where objects stood, inside of what is drawn or beside it. */
export function Feet({ feet, layout, stage }: { feet: readonly Foot[]; layout: Layout; stage: Size }) {
  return (
    <svg class="feet" viewBox={`0 0 ${stage.width} ${stage.height}`} aria-hidden="true" focusable="false">
      {[...feet]
        .sort((a, b) => Number(a.inside) - Number(b.inside))
        .map(({ at: [x, y], inside }) => (
          <circle
            class={inside ? "is-inside" : "is-outside"}
            cx={layout.left + x * layout.width}
            cy={layout.top + y * layout.height}
            r={inside ? 5 : 4}
          />
        ))}
    </svg>
  );
}

/** Moves the focus to a point once it is there. */
export function usePointFocus(wanted: { point: number } | null): void {
  // Before anything is painted: the next key may already be on its way.
  useLayoutEffect(() => {
    if (wanted) document.querySelector<HTMLElement>(`[data-point="${wanted.point + 1}"]`)?.focus();
  }, [wanted]);
}
