import type { Point } from "../state/polygon";
import type { Layout, Size } from "../state/zoom";

export interface Outline {
  name: string;
  points: readonly Point[];
  kind: "zone" | "mask" | "other";
}

/** Polygons over a picture with their names, at the screen's own size whatever the zoom. */
export function ZoneOutlines({ outlines, layout, stage }: { outlines: readonly Outline[]; layout: Layout; stage: Size }) {
  const onStage = ([x, y]: Point): Point => [layout.left + x * layout.width, layout.top + y * layout.height];
  return (
    <div class="outlines" aria-hidden="true">
      <svg viewBox={`0 0 ${stage.width} ${stage.height}`} focusable="false">
        {outlines.map(({ name, points, kind }) => {
          const drawn = points.map((point) => onStage(point).join(",")).join(" ");
          return (
            <g class={`outline is-${kind}`} data-outline={name}>
              <polygon class="outline-casing" points={drawn} />
              <polygon class="outline-line" points={drawn} />
            </g>
          );
        })}
      </svg>
      {outlines.map(({ name, points, kind }) => {
        if (points.length === 0 || name === "") return null;
        const [x, y] = onStage(points.reduce((top, point) => (point[1] < top[1] ? point : top)));
        const at = { left: `${Math.min(Math.max(0, x), stage.width - 40)}px`, top: `${Math.min(Math.max(0, y), stage.height - 24)}px` };
        return (
          <span class={`outline-name is-${kind}`} style={at}>
            {name}
          </span>
        );
      })}
    </div>
  );
}
