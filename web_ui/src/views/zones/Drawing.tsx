import { useRef, useState } from "preact/hooks";
import type { Frame } from "../../api/types";
import { linkTo } from "../../app/context";
import type { Point } from "../../state/polygon";
import { WHOLE } from "../../state/zoom";
import { strings } from "../../strings";
import { zones as words } from "../../strings/zones";
import { siteTimeAt } from "../../time/zone";
import { Picture } from "../../ui/Picture";
import { styleOf, ZoomStage } from "../../ui/ZoomStage";

const EMPTY_SIZE = { width: 1280, height: 720 };

interface Props {
  cameraName: string;
  picture: Frame | null;
  isAsked: boolean;
  hasFailed: boolean;
  epoch: number;
  zone: string;
  onRenew: (frame: Frame) => Promise<Frame | null>;
  onTap: (at: Point, widthPx: number, heightPx: number) => void;
  children: Parameters<typeof ZoomStage>[0]["children"];
}

/** The picture to draw on, as large as it can be, and what is drawn over it. */
export function Drawing({ cameraName, picture, isAsked, hasFailed, epoch, zone, onRenew, onTap, children }: Props) {
  const [look, setLook] = useState(WHOLE);
  const size = picture && picture.width > 0 && picture.height > 0 ? { width: picture.width, height: picture.height } : EMPTY_SIZE;
  const shown = useRef({ width: 0, height: 0 });
  const at = picture && siteTimeAt(Date.parse(picture.captured_at), zone);
  const time = at ? `${at.date}, ${at.time} ${at.zone}` : "";
  return (
    <div class="zones-stage" style={{ "--ratio": String(size.width / size.height) }}>
      <ZoomStage picture={size} look={look} onLook={setLook} onTap={(point) => onTap(point, shown.current.width, shown.current.height)}>
        {(layout, stage) => {
          shown.current = layout;
          return (
            <>
              <div class="zoom-picture" style={styleOf(layout)}>
                {picture ? (
                  <Picture
                    key={picture.frame_id}
                    frame={picture}
                    alt={words.alt(cameraName, time)}
                    eager
                    boxes="none"
                    epoch={epoch}
                    onRenew={onRenew}
                  />
                ) : (
                  <p class="zones-empty" role="status">
                    {!isAsked ? words.loading : hasFailed ? words.pictureFailed : words.noPicture}
                  </p>
                )}
              </div>
              {children(layout, stage)}
            </>
          );
        }}
      </ZoomStage>
      {picture && (
        <p class="hint zones-time">
          {words.pictureOf(time)}{" "}
          <a class="link" {...linkTo("frame", { camera: picture.camera_id, at: picture.captured_at, id: picture.frame_id })}>
            {strings.viewer.openFrame}
          </a>
        </p>
      )}
    </div>
  );
}
