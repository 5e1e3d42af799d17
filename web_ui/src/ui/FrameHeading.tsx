import type { Frame } from "../api/types";
import { strings } from "../strings";
import { siteTimeAt } from "../time/zone";
import { Age } from "./Age";
import { EyeIcon } from "./icons";

interface Props {
  frame: Frame;
  zone: string;
  serverNow: () => number;
  /** Of the heading. */
  id?: string;
}

/** Whose picture it is, and when it was taken. */
export function FrameHeading({ frame, zone, serverNow, id }: Props) {
  const capturedMs = Date.parse(frame.captured_at);
  const at = siteTimeAt(capturedMs, zone);
  return (
    <>
      <h2 id={id}>
        {frame.camera_name}
        <WatchBadge frame={frame} />
      </h2>
      <p>
        <time dateTime={frame.captured_at}>
          {at.longDate}, <span class="digits">{at.time}</span> {at.zone}
        </time>
        {" · "}
        <Age capturedMs={capturedMs} serverNow={serverNow} />
      </p>
    </>
  );
}

export function WatchBadge({ frame }: { frame: Frame }) {
  if (!frame.watch_hit) return null;
  return (
    <span class="watch-badge">
      <EyeIcon />
      {strings.card.watch}
    </span>
  );
}
