import { Component } from "preact";
import type { Frame } from "../../api/types";
import { labelsInOrder, labelsInWords, noLabelsInShort } from "../../state/labels";
import { strings } from "../../strings";
import { wholePercent } from "../../time/words";
import { siteTimeAt } from "../../time/zone";
import { Age } from "../../ui/Age";
import { WatchBadge } from "../../ui/FrameHeading";
import { EyeIcon } from "../../ui/icons";
import { Picture } from "../../ui/Picture";

const CHIPS_SHOWN = 4;

export interface FrameCardProps {
  frame: Frame;
  zone: string;
  eager: boolean;
  epoch: number;
  serverNow: () => number;
  onOpen: (frame: Frame) => void;
  onRenew: (frame: Frame) => Promise<Frame | null>;
}

/** Renders again only when its frame changed: a poll must not walk three hundred cards. */
export class FrameCard extends Component<FrameCardProps> {
  override shouldComponentUpdate(next: FrameCardProps): boolean {
    return next.frame !== this.props.frame || next.epoch !== this.props.epoch || next.zone !== this.props.zone;
  }

  override render() {
    const { frame, zone, eager, epoch, serverNow, onOpen, onRenew } = this.props;
    const capturedMs = Date.parse(frame.captured_at);
    const at = siteTimeAt(capturedMs, zone);
    const labels = labelsInOrder(frame);
    const time = `${at.time} ${at.zone}`;
    return (
      <article class={`card ${frame.watch_hit ? "is-watch" : ""}`} data-frame-id={frame.frame_id}>
        <div class="card-picture">
          <Picture
            frame={frame}
            alt={strings.card.alt(frame.camera_name, time)}
            eager={eager}
            boxes="quiet"
            epoch={epoch}
            onRenew={onRenew}
          />
        </div>
        <div class="card-text">
          <div class="card-line">
            <h3 class="card-camera">{frame.camera_name}</h3>
            <time class="card-time" dateTime={frame.captured_at} title={`${at.longDate}, ${time}`}>
              {at.time} <span class="zone">{at.zone}</span>
            </time>
          </div>
          <div class="card-line card-minor">
            <span>
              <Age capturedMs={capturedMs} serverNow={serverNow} />
              {" · "}
              {strings.card.gate[frame.gate_reason] ?? frame.gate_reason}
            </span>
            <WatchBadge frame={frame} />
          </div>
          <ul class="chips" aria-label={strings.viewer.labels}>
            {labels.slice(0, CHIPS_SHOWN).map((label) => (
              <li key={label.name} class={`chip ${label.watch_hit ? "is-watch" : ""}`}>
                {label.watch_hit && <EyeIcon />}
                <span class="chip-name">{label.name}</span>
                <span class="chip-percent">{wholePercent(label.confidence)}</span>
              </li>
            ))}
            {labels.length > CHIPS_SHOWN && <li class="chip chip-more">{strings.card.more(labels.length - CHIPS_SHOWN)}</li>}
            {labels.length === 0 && <li class="chip chip-more">{noLabelsInShort(frame)}</li>}
          </ul>
        </div>
        <button
          type="button"
          class="card-open"
          aria-haspopup="dialog"
          aria-label={strings.card.open(frame.camera_name, time, labelsInWords(frame), frame.watch_hit)}
          onClick={() => onOpen(frame)}
        />
      </article>
    );
  }
}
