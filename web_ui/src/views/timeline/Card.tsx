import { linkTo, useApp, useConnection } from "../../app/context";
import type { Drawn, Item } from "../../state/timelineItems";
import type { TimelineData } from "../../state/timelineLoad";
import { answerOf, outcomesOf, ruleName, sentenceOf, spanWords, spokenOf, timeWords } from "../../state/timelineWords";
import { timeline as words } from "../../strings/timeline";
import { wholePercent } from "../../time/words";
import { CloseIcon } from "../../ui/icons";
import { Thumb } from "../../ui/Thumb";

/** Of those drawn as one. */
const LISTED = 5;

interface Props {
  drawn: Drawn;
  data: TimelineData;
  onClose: () => void;
  onZoomIn: () => void;
}

/** What a bar or a mark stands for, and where to go from it. */
export function Card({ drawn, data, onClose, onZoomIn }: Props) {
  const { zone } = useApp();
  const [only] = drawn.items;
  return (
    <>
      <button type="button" class="label-clear tl-card-close" aria-label={words.card.close} onClick={onClose}>
        <CloseIcon />
      </button>
      {drawn.items.length === 1 && only ? (
        <One key={only.key} item={only} data={data} />
      ) : (
        <div class="tl-card-text">
          <p class="tl-card-many">{spokenOf(drawn, zone)}</p>
          <ul class="tl-card-list">
            {drawn.items.slice(0, LISTED).map((item) => (
              <li key={item.key}>
                <a class="link" {...frameLink(item)}>
                  {sentenceOf(item, zone)}
                </a>
              </li>
            ))}
            {drawn.items.length > LISTED && <li class="hint">{words.card.more(drawn.items.length - LISTED)}</li>}
          </ul>
          <button type="button" class="button" onClick={onZoomIn}>
            {words.card.zoom}
          </button>
        </div>
      )}
    </>
  );
}

function One({ item, data }: { item: Item; data: TimelineData }) {
  const { client, zone } = useApp();
  const { epoch } = useConnection();
  const review = reviewLink(item, data);
  const picture = item.kind === "visit" ? item.visit.best : item.alert;
  return (
    <>
      <Thumb
        url={picture.image_url}
        box={item.kind === "visit" ? item.visit.best.box_xyxy_rel : item.alert.box_xyxy_rel}
        epoch={epoch}
        onRenew={async () => (await client.renew({ ...picture, camera_id: item.cameraId }))?.image_url ?? null}
        none={words.card.noPicture}
      />
      <div class="tl-card-text">
        <p class="tl-card-title">
          <strong>{item.label}</strong> {wholePercent(picture.confidence)}
          {item.kind === "alert" && <span class="hint"> {words.severity[item.alert.severity]}</span>}
        </p>
        <p class="hint">
          {item.cameraName}
          {item.kind === "alert" && ` · ${ruleName(item.alert.rule_id)}`}
        </p>
        <p>{item.kind === "visit" ? spanWords(item, item.isOpen, zone) : timeWords(item.fromMs, zone)}</p>
        {item.kind === "visit" ? (
          <>
            <p class="hint">{words.card.frames(item.visit.frames)}</p>
            {outcomesOf(item.visit).map((each) => (
              <p key={each}>{each}</p>
            ))}
          </>
        ) : (
          <p>{answerOf(item.alert)}</p>
        )}
        <p class="tl-card-links">
          <a class="link" {...frameLink(item)}>
            {words.card.frame}
          </a>
          {review && (
            <a class="link" {...review}>
              {words.card.review}
            </a>
          )}
        </p>
      </div>
    </>
  );
}

export function frameLink(item: Item) {
  const { frame_id, captured_at } = item.kind === "visit" ? item.visit.best : item.alert;
  return linkTo("frame", { camera: item.cameraId, at: captured_at, id: frame_id });
}

/** null for a visit of which nobody was told here. */
export function reviewLink(item: Item, data: TimelineData) {
  const ids = item.kind === "alert" ? [item.alert.alert_id] : item.visit.alerts.map(({ alert_id }) => alert_id);
  const alert = ids.map((id) => data.alerts.get(id)).find((each) => each !== undefined);
  return alert ? linkTo("review", { alert: alert.alert_id, camera: alert.camera_id, at: alert.captured_at }) : null;
}
