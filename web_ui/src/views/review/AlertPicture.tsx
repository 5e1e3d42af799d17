import { useCallback, useEffect, useState } from "preact/hooks";
import { windowAround } from "../../api/client";
import type { Alert, Camera, Frame } from "../../api/types";
import { useApp } from "../../app/context";
import { review } from "../../strings/review";
import { siteTimeAt } from "../../time/zone";
import { PictureIcon } from "../../ui/icons";
import { Picture } from "../../ui/Picture";

const UNKNOWN_SIZE = { width: 1280, height: 720 };

/** The whole picture with the box that alerted, and the camera's zones over it. */
export function AlertPicture({ alert, camera, epoch }: { alert: Alert; camera: Camera | null; epoch: number }) {
  const { client, zone } = useApp();
  // The frame knows how large its picture is; until then there is none to be drawn wrong.
  const [frame, setFrame] = useState<Frame | null | undefined>(undefined);
  const missing = frame === undefined;
  const fetchFrame = useCallback(
    async (signal?: AbortSignal) => {
      const page = await client.frames({ camera: alert.camera_id, ...windowAround(alert.captured_at) }, signal);
      return page.frames.find(({ frame_id }) => frame_id === alert.frame_id) ?? null;
    },
    [client, alert.alert_id],
  );
  useEffect(() => {
    if (!missing && epoch === 0) return;
    const abort = new AbortController();
    fetchFrame(abort.signal).then(setFrame, () => abort.signal.aborted || setFrame((known) => known ?? null));
    return () => abort.abort();
  }, [epoch]);
  const time = siteTimeAt(Date.parse(alert.captured_at), zone);
  const imageUrl = frame?.image_url ?? alert.image_url;
  const renew = useCallback(async () => {
    const again = await fetchFrame();
    if (again) setFrame(again);
    return again;
  }, [fetchFrame]);
  if (missing || imageUrl === null) {
    return (
      <div class="detail-stage is-empty">
        {!missing && (
          <p class="picture-words">
            <PictureIcon />
            {review.row.noPicture}
          </p>
        )}
      </div>
    );
  }
  const { width, height } = frame ?? UNKNOWN_SIZE;
  const box = alert.box_xyxy_rel;
  const shown: Frame = {
    ...(frame ?? FRAMELESS),
    frame_id: alert.frame_id,
    camera_id: alert.camera_id,
    camera_name: alert.camera_name,
    captured_at: alert.captured_at,
    width,
    height,
    image_url: imageUrl,
    watch_hit: true,
    labels: [
      {
        name: alert.label,
        confidence: alert.confidence,
        aliases: [],
        parents: [],
        categories: [],
        watch_hit: true,
        instances: box ? [{ box_xyxy_rel: box, confidence: alert.confidence }] : [],
      },
    ],
  };
  return (
    <div class="detail-stage">
      <div class="detail-picture" style={{ "--ratio": String(width / height) }}>
        <Picture
          frame={shown}
          alt={review.detail.alt(alert.label, alert.camera_name, `${time.time} ${time.zone}`)}
          eager
          boxes="all"
          epoch={epoch}
          onRenew={renew}
        />
        {camera && camera.zones.length > 0 && <Zones camera={camera} />}
      </div>
    </div>
  );
}

const FRAMELESS: Pick<Frame, "analysis" | "stored_at" | "gate_reason" | "image_url_expires_at"> = {
  analysis: "analysed",
  stored_at: "",
  gate_reason: "motion",
  image_url_expires_at: "",
};

function Zones({ camera }: { camera: Camera }) {
  return (
    <svg class="detail-zones" viewBox="0 0 1 1" preserveAspectRatio="none" aria-hidden="true" focusable="false">
      {camera.zones.map(({ zone_id, points }) => (
        <polygon key={zone_id} points={points.map((point) => point.join(",")).join(" ")} />
      ))}
    </svg>
  );
}
