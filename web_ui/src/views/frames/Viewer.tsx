import { useEffect, useRef, useState } from "preact/hooks";
import type { Frame } from "../../api/types";
import { linkTo } from "../../app/context";
import { strings } from "../../strings";
import { siteTimeAt } from "../../time/zone";
import { FrameFacts, FrameLabels } from "../../ui/FrameDetails";
import { FrameHeading } from "../../ui/FrameHeading";
import { CloseIcon, LeftIcon, RightIcon } from "../../ui/icons";
import { Picture } from "../../ui/Picture";
import { Switch } from "../../ui/Switch";

/** Frames left before the end at which the next page is asked for. */
const ASK_AHEAD = 3;

interface Props {
  frame: Frame | null;
  frames: readonly Frame[];
  zone: string;
  epoch: number;
  serverNow: () => number;
  onShow: (frame: Frame) => void;
  onClose: () => void;
  onMore: () => void;
  onLabel: (label: string) => void;
  onRenew: (frame: Frame) => Promise<Frame | null>;
}

/** One frame, large. A modal <dialog>: the browser keeps the focus inside and closes on Escape. */
export function Viewer(props: Props) {
  const { frame, onClose } = props;
  const dialog = useRef<HTMLDialogElement>(null);
  const isOpen = frame !== null;
  useEffect(() => {
    const element = dialog.current;
    if (!element) return;
    if (isOpen && !element.open) {
      element.showModal();
      element.querySelector<HTMLElement>(".viewer-close")?.focus();
    } else if (!isOpen && element.open) element.close();
  }, [isOpen]);

  return (
    <dialog
      ref={dialog}
      class="viewer"
      aria-labelledby="viewer-title"
      onClose={onClose}
      onClick={(event) => event.target === dialog.current && dialog.current?.close()}
    >
      {frame && <ViewerBody {...props} frame={frame} onClose={() => dialog.current?.close()} />}
    </dialog>
  );
}

function ViewerBody({ frame, frames, zone, epoch, serverNow, onShow, onClose, onMore, onLabel, onRenew }: Props & { frame: Frame }) {
  const [boxes, setBoxes] = useState(true);
  const [highlight, setHighlight] = useState<string | null>(null);
  const index = frames.findIndex(({ frame_id }) => frame_id === frame.frame_id);
  const newer = index > 0 ? frames[index - 1] : undefined;
  const older = index >= 0 ? frames[index + 1] : undefined;

  useEffect(() => {
    if (index >= 0 && index >= frames.length - ASK_AHEAD) onMore();
  }, [index, frames.length]);
  useEffect(() => setHighlight(null), [frame.frame_id]);
  // Read by the listener when a key is pressed: an effect that binds it anew comes too late for quick fingers.
  const neighbours = useRef({ newer, older });
  neighbours.current = { newer, older };
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
      const { newer, older } = neighbours.current;
      const next = event.key === "ArrowLeft" ? newer : event.key === "ArrowRight" ? older : undefined;
      if (!next) return;
      event.preventDefault();
      onShow(next);
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, [onShow]);

  const at = siteTimeAt(Date.parse(frame.captured_at), zone);
  return (
    <div class="viewer-body">
      <header class="viewer-head">
        <div>
          <FrameHeading frame={frame} zone={zone} serverNow={serverNow} id="viewer-title" />
        </div>
        <button type="button" class="button button-quiet viewer-close" aria-label={strings.viewer.close} onClick={onClose}>
          <CloseIcon />
        </button>
      </header>
      <div class="viewer-stage">
        <Picture
          key={frame.frame_id}
          frame={frame}
          alt={strings.card.alt(frame.camera_name, `${at.time} ${at.zone}`)}
          eager
          boxes={boxes ? "all" : "none"}
          highlight={highlight}
          epoch={epoch}
          onRenew={onRenew}
        />
      </div>
      <div class="viewer-side">
        <div class="viewer-nav">
          <button type="button" class="button" aria-disabled={!newer} onClick={() => newer && onShow(newer)}>
            <LeftIcon />
            {strings.viewer.newer}
          </button>
          <span class="viewer-position" role="status">
            {index >= 0 && strings.viewer.position(index + 1, frames.length)}
          </span>
          <button type="button" class="button" aria-disabled={!older} onClick={() => older && onShow(older)}>
            {strings.viewer.older}
            <RightIcon />
          </button>
        </div>
        <div class="viewer-labels-head">
          <h3>{strings.viewer.labels}</h3>
          <Switch words={strings.viewer.showBoxes} isOn={boxes} onChange={setBoxes} />
        </div>
        <FrameLabels frame={frame} onHighlight={setHighlight} filterOf={(label) => ({ onClick: () => onLabel(label) })} />
        <FrameFacts frame={frame} />
        <a class="link" {...linkTo("frame", { camera: frame.camera_id, at: frame.captured_at, id: frame.frame_id })}>
          {strings.viewer.openFrame}
        </a>
        <a class="link" href={frame.image_url} target="_blank" rel="noopener noreferrer">
          {strings.viewer.openImage}
        </a>
      </div>
    </div>
  );
}
