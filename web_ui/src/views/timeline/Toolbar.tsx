import { useEffect, useState } from "preact/hooks";
import type { Camera } from "../../api/types";
import { labelChoices } from "../../state/timelineWords";
import { searchOfTimeline, spanOf, type TimelineAddress, type TimelineRange } from "../../state/timelineWindow";
import { strings } from "../../strings";
import { timeline as words } from "../../strings/timeline";
import { readEnd } from "../../time/wall";
import { inputValueAt, zoneAbbreviation } from "../../time/zone";
import { useApp } from "../../app/context";
import { LeftIcon, RightIcon } from "../../ui/icons";

interface Props {
  address: TimelineAddress;
  cameras: readonly Pick<Camera, "camera_id" | "name">[];
  middleMs: number;
  onRange: (range: TimelineRange) => void;
  onPan: (share: number) => void;
  onZoom: (factor: number) => void;
  onJump: (atMs: number) => void;
  onFilter: (change: Partial<TimelineAddress>) => void;
}

export function Toolbar({ address, cameras, middleMs, onRange, onPan, onZoom, onJump, onFilter }: Props) {
  const { site } = useApp();
  const { range } = address;
  const chosen = new Set(address.cameras);
  const toggle = (cameraId: string) =>
    onFilter({ cameras: chosen.has(cameraId) ? address.cameras.filter((each) => each !== cameraId) : [...address.cameras, cameraId] });
  return (
    <div class="controls tl-tools" role="search" aria-label={words.tools}>
      <div class="cameras" role="group" aria-label={strings.cameras.legend}>
        <button type="button" class="camera" aria-pressed={chosen.size === 0} onClick={() => onFilter({ cameras: [] })}>
          <span class="camera-name">{strings.cameras.all}</span>
        </button>
        {cameras.map(({ camera_id, name }) => (
          <button
            type="button"
            key={camera_id}
            class="camera"
            data-camera-id={camera_id}
            aria-pressed={chosen.has(camera_id)}
            onClick={() => toggle(camera_id)}
          >
            <span class="camera-name">{name}</span>
          </button>
        ))}
      </div>
      <div class="tl-tools-row">
        <div class="tl-steps">
          <button type="button" class="button tl-icon" aria-label={words.earlier} title={words.earlier} onClick={() => onPan(-0.5)}>
            <LeftIcon />
          </button>
          <button type="button" class="button tl-icon" aria-label={words.later} title={words.later} onClick={() => onPan(0.5)}>
            <RightIcon />
          </button>
          <button type="button" class="button tl-icon" aria-label={words.zoomOut} title={words.zoomOut} onClick={() => onZoom(2)}>
            −
          </button>
          <button type="button" class="button tl-icon" aria-label={words.zoomIn} title={words.zoomIn} onClick={() => onZoom(0.5)}>
            +
          </button>
          <button
            type="button"
            class="button"
            aria-pressed={range.kind === "last"}
            title={words.nowTitle}
            onClick={() => onRange({ kind: "last", spanMs: spanOf(range) })}
          >
            {words.now}
          </button>
        </div>
        <div class="segments" role="group" aria-label={words.spans}>
          {words.presets.map(({ words: name, title, ms }) => (
            <button
              type="button"
              key={ms}
              title={title}
              aria-pressed={range.kind === "last" && range.spanMs === ms}
              onClick={() => onRange({ kind: "last", spanMs: ms })}
            >
              {name}
            </button>
          ))}
        </div>
        <div class="tl-label">
          <select aria-label={words.label} value={address.label ?? ""} onChange={(event) => onFilter({ label: event.currentTarget.value || null })}>
            <option value="">{words.anyLabel}</option>
            {labelChoices(site, address.label).map((each) => (
              <option key={each} value={each}>
                {each}
              </option>
            ))}
          </select>
        </div>
        <Jump middleMs={middleMs} place={searchOfTimeline(address)} onJump={onJump} />
        {(address.label !== null || address.cameras.length > 0) && (
          <button type="button" class="button button-quiet" onClick={() => onFilter({ cameras: [], label: null })}>
            {words.clear}
          </button>
        )}
      </div>
    </div>
  );
}

/** A wall time of the site; starts at the middle of what is shown. */
function Jump({ middleMs, place, onJump }: { middleMs: number; place: string; onJump: (atMs: number) => void }) {
  const { zone, serverNow } = useApp();
  const [typed, setTyped] = useState<string | null>(null);
  const [note, setNote] = useState<string | null>(null);
  // What was typed is about the place where it was typed.
  useEffect(() => setTyped(null), [place]);
  const value = typed ?? inputValueAt(middleMs, zone);
  return (
    <form
      class="tl-jump"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        const { utcMs, note: about } = readEnd(value, "from", zone);
        if (utcMs === null || utcMs === undefined) return setNote(words.badTime);
        setNote(utcMs > serverNow() ? words.jumpFuture : about);
        onJump(utcMs);
      }}
    >
      <label>
        <span class="tl-jump-word">{words.jump}</span>
        <input
          type="datetime-local"
          name="at"
          value={value}
          title={words.noteZone(zone, zoneAbbreviation(middleMs, zone))}
          onFocus={() => setTyped(value)}
          onInput={(event) => {
            setTyped(event.currentTarget.value);
            setNote(null);
          }}
        />
      </label>
      <button type="submit" class="button">
        {words.go}
      </button>
      <p class="tl-jump-note" role="status">
        {note}
      </p>
    </form>
  );
}
