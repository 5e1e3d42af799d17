import { useEffect, useRef, useState } from "preact/hooks";
import type { BoxXyxyRel } from "../api/types";
import "../styles/thumb.css";
import { PictureIcon } from "./icons";

interface Props {
  url: string | null;
  box: BoxXyxyRel | null;
  /** Changes when the API comes back: a picture that failed tries once more. */
  epoch: number;
  /** Another address of the same picture; null when it is no longer kept. */
  onRenew: () => Promise<string | null>;
  /** Where no picture is kept. */
  none: string;
}

const WIDE = 16 / 9;

/** A small picture in a frame of 16:9, whole, with its box. It only illustrates: words beside it say what is on it. */
export function Thumb({ url, box, epoch, onRenew, none }: Props) {
  const [shownUrl, setShownUrl] = useState(url);
  const [ratio, setRatio] = useState<number | null>(null);
  const tried = useRef(false);
  const alive = useRef(true);
  useEffect(() => () => void (alive.current = false), []);
  useEffect(() => {
    tried.current = false;
    setShownUrl(url);
  }, [url, epoch]);

  const renew = async () => {
    setRatio(null);
    const again = tried.current ? null : await onRenew().catch(() => null);
    tried.current = true;
    if (alive.current) setShownUrl(again);
  };
  if (shownUrl === null) {
    return (
      <span class="thumb thumb-none" title={none}>
        <PictureIcon />
      </span>
    );
  }
  const shape = ratio ?? WIDE;
  return (
    <span class="thumb">
      <span class="thumb-picture" style={{ aspectRatio: String(shape), ...(shape >= WIDE ? { width: "100%" } : { height: "100%" }) }}>
        <img
          src={shownUrl}
          alt=""
          loading="lazy"
          decoding="async"
          referrerpolicy="no-referrer"
          class={ratio === null ? "" : "is-shown"}
          onLoad={({ currentTarget: { naturalWidth, naturalHeight } }) => setRatio(naturalHeight ? naturalWidth / naturalHeight : WIDE)}
          onError={() => void renew()}
        />
        {ratio !== null && box && <BoxOn box={box} />}
      </span>
    </span>
  );
}

function BoxOn({ box: [x0, y0, x1, y1] }: { box: BoxXyxyRel }) {
  const at = { x: x0, y: y0, width: Math.max(0, x1 - x0), height: Math.max(0, y1 - y0) };
  return (
    <svg class="thumb-box" viewBox="0 0 1 1" preserveAspectRatio="none" aria-hidden="true" focusable="false">
      <g class="box is-watch">
        <rect class="box-casing" {...at} />
        <rect class="box-line" {...at} />
      </g>
    </svg>
  );
}
