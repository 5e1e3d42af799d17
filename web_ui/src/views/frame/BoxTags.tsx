import type { Frame } from "../../api/types";
import { labelsInOrder } from "../../state/labels";
import { placeTags, type Layout, type Size } from "../../state/zoom";
import { wholePercent } from "../../time/words";
import { EyeIcon } from "../../ui/icons";

interface Props {
  frame: Frame;
  layout: Layout;
  stage: Size;
  highlight: string | null;
}

const HEIGHT_PX = 21;
const MAX_TAGS = 100;
const FONT = "600 13px";
/** Of the padding, and of the eye with the gap behind it. */
const AROUND_PX = 16;
const EYE_PX = 19;
const MAX_WIDTH_PX = 240;
const MAX_CHARS = 120;

let pen: CanvasRenderingContext2D | null = null;

function widthOf(text: string): number {
  pen ??= document.createElement("canvas").getContext("2d");
  if (!pen) return text.length * 9;
  pen.font = `${FONT} ${getComputedStyle(document.body).fontFamily}`;
  return pen.measureText(text).width;
}

/** The name and confidence of each box, at the screen's own size and in sight as long as the box is. */
export function BoxTags({ frame, layout, stage, highlight }: Props) {
  const drawn = labelsInOrder(frame)
    .flatMap((label) => label.instances.map((instance) => ({ label, instance })))
    .slice(0, MAX_TAGS)
    .map(({ label, instance }) => {
      const text = `${label.name.slice(0, MAX_CHARS)} ${wholePercent(instance.confidence)}`;
      const widthPx = Math.min(MAX_WIDTH_PX, stage.width, Math.ceil(widthOf(text)) + AROUND_PX + (label.watch_hit ? EYE_PX : 0));
      return { label, text, box: instance.box_xyxy_rel, widthPx };
    });
  const places = placeTags(drawn, layout, stage, HEIGHT_PX);
  return (
    <div class="tags" aria-hidden="true">
      {drawn.map(({ label, text, widthPx }, n) => {
        const place = places[n];
        if (!place) return null;
        const isBack = highlight !== null && highlight !== label.name;
        return (
          <span
            class={`box-tag ${label.watch_hit ? "is-watch" : ""} ${isBack ? "is-back" : ""}`}
            style={{ left: `${place[0]}px`, top: `${place[1]}px`, maxWidth: `${widthPx}px` }}
          >
            {label.watch_hit && <EyeIcon />}
            <span class="box-tag-text">{text}</span>
          </span>
        );
      })}
    </div>
  );
}
