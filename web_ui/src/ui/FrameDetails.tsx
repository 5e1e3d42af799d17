import type { Frame } from "../api/types";
import { labelsInOrder, noLabelsInWords } from "../state/labels";
import { strings } from "../strings";
import { EyeIcon } from "./icons";

interface LabelsProps {
  frame: Frame;
  /** The label under the pointer or the focus, where it has boxes. */
  onHighlight: (label: string | null) => void;
  /** How to come to all frames with a label: a click here, or a link. */
  filterOf: (label: string) => { href?: string; onClick: (event: MouseEvent) => void };
}

/** What was seen in a frame, with its other names. */
export function FrameLabels({ frame, onHighlight, filterOf }: LabelsProps) {
  const labels = labelsInOrder(frame);
  const inherited = frame.analysis === "inherited" && <p class="hint">{strings.card.inherited}</p>;
  if (labels.length === 0) {
    return (
      <>
        {inherited}
        <p class="hint">{noLabelsInWords(frame)}</p>
      </>
    );
  }
  const list = (
    <ul class="viewer-labels">
      {labels.map((label) => {
        const about = [
          label.parents.length ? strings.viewer.parents(label.parents.join(", ")) : "",
          label.aliases.length ? strings.viewer.aliases(label.aliases.join(", ")) : "",
          label.instances.length ? strings.viewer.boxes(label.instances.length) : "",
        ].filter(Boolean);
        const show = () => onHighlight(label.instances.length ? label.name : null);
        const hide = () => onHighlight(null);
        const { href, onClick } = filterOf(label.name);
        const filter = {
          class: "link",
          "aria-label": strings.viewer.filterBy(label.name),
          onClick,
          onFocus: show,
          onBlur: hide,
        };
        return (
          <li key={label.name} class={label.watch_hit ? "is-watch" : ""} onPointerEnter={show} onPointerLeave={hide}>
            <div class="viewer-label">
              {label.watch_hit && <EyeIcon />}
              <span class="chip-name">{label.name}</span>
              {label.watch_hit && <span class="viewer-label-watch">{strings.card.watch}</span>}
              <span class="viewer-percent">{label.confidence.toFixed(1)}%</span>
              {href === undefined ? (
                <button type="button" {...filter}>
                  {strings.viewer.filter}
                </button>
              ) : (
                <a href={href} {...filter}>
                  {strings.viewer.filter}
                </a>
              )}
            </div>
            <div class="meter" aria-hidden="true">
              <i style={{ width: `${Math.min(100, Math.max(0, label.confidence))}%` }} />
            </div>
            {about.length > 0 && <p class="hint">{about.join(" · ")}</p>}
          </li>
        );
      })}
    </ul>
  );
  return (
    <>
      {inherited}
      {list}
    </>
  );
}

export function FrameFacts({ frame }: { frame: Frame }) {
  const storedAfterS = ((Date.parse(frame.stored_at) - Date.parse(frame.captured_at)) / 1000).toFixed(1);
  return (
    <dl class="facts">
      <dt>{strings.viewer.reason}</dt>
      <dd>{strings.card.gate[frame.gate_reason] ?? frame.gate_reason}</dd>
      <dt>{strings.viewer.stored}</dt>
      <dd>{strings.viewer.storedAfter(storedAfterS)}</dd>
      <dt>{strings.viewer.size}</dt>
      <dd>
        {frame.width} × {frame.height}
      </dd>
      <dt>{strings.viewer.frameId}</dt>
      <dd class="facts-id">{frame.frame_id}</dd>
    </dl>
  );
}
