import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { CameraStatus } from "../../api/types";
import { linkTo } from "../../app/context";
import { labelsInWords } from "../../state/labels";
import { wallStrings } from "../../strings/wall";
import { PictureIcon, WarnIcon } from "../../ui/icons";
import { Boxes } from "../../ui/Picture";
import { useTicking } from "../../ui/ticker";
import { useSteadyPicture, type Shown } from "./useSteadyPicture";
import { tileWords, type TileWords } from "./words";

interface Props {
  camera: CameraStatus;
  zone: string;
  boxes: boolean;
  /** Among the first, which are seen at once: its picture does not wait until that is certain. */
  first: boolean;
  serverNow: () => number;
}

/** One camera: its newest picture, how old that is, and in words what is wrong with it. */
export function Tile({ camera, zone, boxes, first, serverNow }: Props) {
  const tile = useRef<HTMLLIElement>(null);
  const { shown, failed } = useSteadyPicture(camera.newest_frame, useNear(tile, first));
  const picture = shown?.frame ?? camera.newest_frame;
  const { mood, time, age, trouble, why, budget } = JSON.parse(
    useTicking(() => JSON.stringify(tileWords(camera, picture, serverNow(), zone))),
  ) as TileWords;
  const content = (
    <>
      <div class="wall-picture">
        {shown ? (
          <SteadyPicture shown={shown} boxes={boxes} />
        ) : (
          <p class="picture-words">
            <PictureIcon />
            {picture && !failed && wallStrings.loading}
          </p>
        )}
        {budget && (
          <p class="wall-mark" title={budget}>
            {budget}
          </p>
        )}
        {(trouble || failed) && (
          <p class="wall-trouble" title={[trouble || wallStrings.failed, trouble && why].filter(Boolean).join(". ")}>
            <WarnIcon />
            <span>
              <strong>{trouble || wallStrings.failed}</strong>
              {trouble && why && <span class="wall-why">{why}</span>}
            </span>
          </p>
        )}
      </div>
      <div class="wall-caption">
        <h2 class="wall-name">{camera.name}</h2>
        {picture && (
          <p class="wall-age" title={`${time}, ${age}`}>
            <span class="wall-time digits">{time}</span>
            <span class="age">{age}</span>
          </p>
        )}
      </div>
      {shown && <p class="sr-only">{labelsInWords(shown.frame)}</p>}
    </>
  );
  return (
    <li ref={tile} class={`wall-tile is-${mood}`} data-camera={camera.camera_id} data-mood={mood}>
      {picture ? (
        <a
          class="wall-open"
          title={wallStrings.open}
          {...linkTo("frame", { camera: camera.camera_id, at: picture.captured_at, id: picture.frame_id })}
        >
          {content}
        </a>
      ) : (
        <div class="wall-open">{content}</div>
      )}
    </li>
  );
}

/** Puts a decoded picture in the place of the last, together with its boxes: nothing is ever empty in between. */
function SteadyPicture({ shown: { frame, image }, boxes }: { shown: Shown; boxes: boolean }) {
  const holder = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => holder.current?.replaceChildren(image), [image]);
  const ratio = image.naturalWidth > 0 && image.naturalHeight > 0 ? image.naturalWidth / image.naturalHeight : 16 / 9;
  return (
    <div class="wall-frame" style={{ "--ratio": String(ratio) }} data-frame={frame.frame_id}>
      <div ref={holder} class="wall-image" />
      {boxes && <Boxes frame={frame} tags="quiet" />}
    </div>
  );
}

const NEAR = "400px";

/** Whether it is in sight, or soon will be. */
function useNear(element: { current: HTMLElement | null }, atFirst: boolean): boolean {
  const [near, setNear] = useState(atFirst);
  useEffect(() => {
    if (!element.current) return;
    const observer = new IntersectionObserver(
      (entries) => setNear(entries.at(-1)?.isIntersecting ?? true),
      { rootMargin: NEAR },
    );
    observer.observe(element.current);
    return () => observer.disconnect();
  }, []);
  return near;
}
