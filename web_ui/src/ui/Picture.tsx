import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Frame, Label } from "../api/types";
import { strings } from "../strings";
import { wholePercent } from "../time/words";
import { EyeIcon, PictureIcon } from "./icons";

interface Props {
  frame: Frame;
  alt: string;
  eager: boolean;
  /** quiet: only what is on the watch list has its name beside it; lines: nothing has. */
  boxes: "all" | "quiet" | "lines" | "none";
  /** Label whose boxes stand out; the others step back. */
  highlight?: string | null;
  /** Changes when the API comes back: failed pictures try once more. */
  epoch: number;
  onRenew: (frame: Frame) => Promise<Frame | null>;
  /** What else lies on the picture. */
  children?: ComponentChildren;
}

type Load = "loading" | "shown" | "renewing" | "failed" | "gone";

/** The picture at its own aspect ratio, its boxes over it, or words in its place. */
export function Picture({ frame, alt, eager, boxes, highlight = null, epoch, onRenew, children }: Props) {
  const [load, setLoad] = useState<Load>("loading");
  const [attempt, setAttempt] = useState(0);
  const renewedOnce = useRef(false);
  const alive = useRef(true);
  useEffect(() => () => void (alive.current = false), []);

  const failedLoad = load === "failed";
  useEffect(() => {
    if (epoch === 0 || !failedLoad) return;
    renewedOnce.current = false;
    void renew();
  }, [epoch]);

  async function renew(): Promise<void> {
    if (renewedOnce.current) return setLoad("failed");
    renewedOnce.current = true;
    setLoad("renewing");
    try {
      const renewed = await onRenew(frame);
      if (!alive.current) return;
      if (!renewed) return setLoad("gone");
      setAttempt((n) => n + 1);
      setLoad("loading");
    } catch {
      if (alive.current) setLoad("failed");
    }
  }

  const ratio = frame.width > 0 && frame.height > 0 ? frame.width / frame.height : 16 / 9;
  const words = {
    loading: null,
    shown: null,
    renewing: strings.card.imageRenewing,
    failed: strings.card.imageFailed,
    gone: strings.card.imageGone,
  }[load];
  return (
    <div class={`picture ${ratio >= 16 / 9 ? "picture-wide" : "picture-tall"}`} style={{ "--ratio": String(ratio) }}>
      {words === null ? (
        <>
          <img
            key={attempt}
            src={frame.image_url}
            alt={alt}
            width={frame.width}
            height={frame.height}
            loading={eager ? "eager" : "lazy"}
            decoding="async"
            referrerpolicy="no-referrer"
            class={load === "shown" ? "is-shown" : ""}
            onLoad={() => setLoad("shown")}
            onError={() => void renew()}
          />
          {boxes !== "none" && <Boxes frame={frame} tags={boxes} highlight={highlight} />}
          {children}
        </>
      ) : (
        <p class="picture-words" role="status">
          <PictureIcon />
          {words}
        </p>
      )}
    </div>
  );
}

interface BoxesProps {
  frame: Pick<Frame, "width" | "height" | "labels">;
  tags: "all" | "quiet" | "lines";
  highlight?: string | null;
}

/** Over a picture, as large as it; quiet: only what is on the watch list is named; lines: nothing is. */
export function Boxes({ frame, tags, highlight = null }: BoxesProps) {
  const { width, height } = frame;
  // Watch hits last: they lie on top.
  const labels = [...frame.labels].sort((a, b) => Number(a.watch_hit) - Number(b.watch_hit));
  const drawn = labels.flatMap((label) => label.instances.map((instance) => ({ label, instance })));
  if (!drawn.length) return null;
  const tone = (label: Label) =>
    `${label.watch_hit ? "is-watch" : ""} ${highlight !== null && highlight !== label.name ? "is-back" : ""}`;
  return (
    <div class="boxes" aria-hidden="true">
      <svg viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" focusable="false">
        {drawn.map(({ label, instance: { box_xyxy_rel } }) => {
          const [x0, y0, x1, y1] = box_xyxy_rel;
          const at = { x: x0 * width, y: y0 * height, width: Math.max(0, x1 - x0) * width, height: Math.max(0, y1 - y0) * height };
          return (
            <g class={`box ${tone(label)}`}>
              <rect class="box-casing" {...at} />
              <rect class="box-line" data-label={label.name} {...at} />
            </g>
          );
        })}
      </svg>
      {drawn
        .filter(({ label }) => tags === "all" || (tags === "quiet" && label.watch_hit))
        .map(({ label, instance: { box_xyxy_rel, confidence } }) => {
          const [x0, y0, x1] = box_xyxy_rel;
          const right = x0 > 0.6;
          return (
            <span
              class={`box-tag ${tone(label)} ${y0 < 0.09 ? "is-inside" : ""}`}
              style={{
                top: `${y0 * 100}%`,
                ...(right ? { right: `${Math.max(0, 1 - x1) * 100}%` } : { left: `${Math.max(0, x0) * 100}%` }),
              }}
            >
              {label.watch_hit && <EyeIcon />}
              {label.name} {wholePercent(confidence)}
            </span>
          );
        })}
    </div>
  );
}
