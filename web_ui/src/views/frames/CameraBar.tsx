import type { Camera } from "../../api/types";
import { STALE_AFTER_MS, type CameraFreshness } from "../../state/feed";
import { strings } from "../../strings";
import { ageWords } from "../../time/words";
import { WarnIcon } from "../../ui/icons";
import { useTicking } from "../../ui/ticker";

interface Props {
  cameras: readonly Camera[];
  chosen: string | null;
  freshness: ReadonlyMap<string, CameraFreshness>;
  serverNow: () => number;
  onChoose: (cameraId: string | null) => void;
}

/** Chooses a camera, and shows beside each name how old its newest picture is: one dead camera must not hide behind another. */
export function CameraBar({ cameras, chosen, freshness, serverNow, onChoose }: Props) {
  return (
    <div class="cameras" role="group" aria-label={strings.cameras.legend}>
      <button type="button" class="camera" aria-pressed={chosen === null} onClick={() => onChoose(null)}>
        <span class="camera-name">{strings.cameras.all}</span>
      </button>
      {cameras.map(({ camera_id, name }) => (
        <button
          type="button"
          key={camera_id}
          class="camera"
          data-camera-id={camera_id}
          aria-pressed={chosen === camera_id}
          onClick={() => onChoose(chosen === camera_id ? null : camera_id)}
        >
          <span class="camera-name">{name}</span>
          <CameraAge newestMs={freshness.get(camera_id)?.newestMs} serverNow={serverNow} />
        </button>
      ))}
    </div>
  );
}

function CameraAge({ newestMs, serverNow }: { newestMs: number | null | undefined; serverNow: () => number }) {
  const words = useTicking(() => {
    if (newestMs === undefined) return strings.cameras.checking;
    return newestMs === null ? strings.cameras.none : ageWords(serverNow() - newestMs);
  });
  const stale = useTicking(() => typeof newestMs === "number" && serverNow() - newestMs > STALE_AFTER_MS);
  return (
    <span class={`camera-age ${stale ? "is-stale" : typeof newestMs === "number" ? "is-fresh" : ""}`}>
      {stale ? <WarnIcon /> : <span class="camera-dot" aria-hidden="true" />}
      {stale && <span>{strings.cameras.stale}, </span>}
      {words}
    </span>
  );
}
