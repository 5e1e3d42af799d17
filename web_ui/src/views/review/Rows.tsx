import { Component, type ComponentChildren } from "preact";
import type { Alert, BoxXyxyRel, Snooze, Visit, Withheld } from "../../api/types";
import { linkTo } from "../../app/context";
import type { Deed } from "../../state/reviewActions";
import type { ReviewEntry } from "../../state/reviewEntries";
import { deedWords, ruleWords, standingOf, untoldWords } from "../../state/reviewWords";
import { review } from "../../strings/review";
import { ageWords, durationWords, wholePercent } from "../../time/words";
import { siteTimeAt } from "../../time/zone";
import { Thumb } from "../../ui/Thumb";
import { useTicking } from "../../ui/ticker";

export interface RowProps {
  entry: ReviewEntry;
  selected: boolean;
  deed: Deed | null;
  snoozes: readonly Snooze[];
  zone: string;
  epoch: number;
  serverNow: () => number;
  onOpen: (alert: Alert) => void;
  hrefOf: (alert: Alert) => string;
  onRenew: (entry: ReviewEntry) => Promise<string | null>;
  onRetry: (key: string) => void;
  onDismiss: (key: string) => void;
}

/** Drawn again only when what it shows has changed. */
export class Row extends Component<RowProps> {
  override shouldComponentUpdate(next: RowProps): boolean {
    const { entry, selected, deed, snoozes, zone, epoch } = this.props;
    return (
      next.entry !== entry ||
      next.selected !== selected ||
      next.deed !== deed ||
      next.snoozes !== snoozes ||
      next.zone !== zone ||
      next.epoch !== epoch
    );
  }

  override render() {
    const { entry } = this.props;
    if (entry.kind === "alert") return <AlertRow {...this.props} alert={entry.alert} />;
    return entry.kind === "visit" ? <VisitRow {...this.props} visit={entry.visit} /> : <WithheldRow {...this.props} row={entry.row} />;
  }
}

function AlertRow({ entry, alert, selected, deed, snoozes, zone, epoch, serverNow, onOpen, hrefOf, onRenew, onRetry, onDismiss }: RowProps & { alert: Alert }) {
  const standing = () => standingOf(alert, snoozes, serverNow(), zone);
  const words = useTicking(() => standing().words);
  const { tone, next } = standing();
  const said = deed && deedWords(deed);
  const what = `${alert.label} ${wholePercent(alert.confidence)}`;
  return (
    <article class={`review-row is-${tone} ${selected ? "is-selected" : ""}`} data-alert-id={alert.alert_id}>
      <Thumb url={alert.image_url} box={alert.box_xyxy_rel} epoch={epoch} onRenew={() => onRenew(entry)} none={review.row.noPicture} />
      <div class="review-text">
        <p class="review-title">
          <span class={`severity is-${alert.severity}`}>{review.severity[alert.severity] ?? alert.severity}</span>
          <strong class="review-label">{what}</strong>
          <span class="review-camera">{alert.camera_name}</span>
        </p>
        {said ? (
          <p class={`review-state deed is-${said.tone}`}>
            <span>{said.words}</span>
            {deed.phase === "failed" && (
              <>
                <button type="button" class="link" onClick={() => onRetry(deed.key)}>
                  {review.deeds.retry}
                </button>
                <button type="button" class="link" onClick={() => onDismiss(deed.key)}>
                  {review.deeds.dismiss}
                </button>
              </>
            )}
          </p>
        ) : (
          <p class="review-state">
            {words}
            {next && <span class="review-next"> · {next}</span>}
          </p>
        )}
        <p class="review-minor">{ruleWords(alert.rule_id)}</p>
      </div>
      <When at={alert.captured_at} zone={zone} serverNow={serverNow} />
      <a
        class="review-open"
        href={hrefOf(alert)}
        aria-current={selected ? "true" : undefined}
        aria-label={review.row.alert(
          `${review.severity[alert.severity] ?? alert.severity}: ${what}`,
          alert.camera_name,
          timeWords(alert.captured_at, zone),
          words,
        )}
        onClick={(event) => {
          if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
          event.preventDefault();
          onOpen(alert);
        }}
      />
    </article>
  );
}

function VisitRow({ entry, visit, selected, zone, epoch, serverNow, onRenew }: RowProps & { visit: Visit }) {
  const { best } = visit;
  const lasted = durationWords(Date.parse(visit.last_seen) - Date.parse(visit.first_seen));
  const why = untoldWords(visit);
  return (
    <Plain
      id={visit.visit_id}
      selected={selected}
      picture={{ url: best.image_url, box: best.box_xyxy_rel, epoch, onRenew: () => onRenew(entry) }}
      title={`${visit.label} ${wholePercent(best.confidence)}`}
      camera={visit.camera_name}
      state={why.length ? why.join(" · ") : review.row.noRule}
      minor={[visit.open ? review.row.untilOpen : lasted, review.row.visitFrames(visit.frames)].join(" · ")}
      link={linkTo("frame", { camera: visit.camera_id, at: best.captured_at, id: best.frame_id })}
      at={visit.first_seen}
      zone={zone}
      serverNow={serverNow}
    />
  );
}

function WithheldRow({ row, selected, zone, serverNow }: RowProps & { row: Withheld }) {
  return (
    <Plain
      id={`${row.visit_id} ${row.rule_id} ${row.reason}`}
      selected={selected}
      picture={null}
      title={row.label}
      camera={row.camera_name}
      state={review.reasonOfRule(ruleWords(row.rule_id), review.reason(review.reasons[row.reason] ?? row.reason, row.count))}
      minor={[review.row.best(wholePercent(row.best_confidence)), row.alerted ? review.row.alerted : review.row.notAlerted].join(" · ")}
      link={linkTo("frame", { camera: row.camera_id, at: row.first_at })}
      at={row.first_at}
      zone={zone}
      serverNow={serverNow}
    />
  );
}

interface PlainProps {
  id: string;
  selected: boolean;
  picture: { url: string | null; box: BoxXyxyRel | null; epoch: number; onRenew: () => Promise<string | null> } | null;
  title: string;
  camera: string;
  state: string;
  minor: string;
  link: ReturnType<typeof linkTo>;
  at: string;
  zone: string;
  serverNow: () => number;
}

function Plain({ id, selected, picture, title, camera, state, minor, link, at, zone, serverNow }: PlainProps): ComponentChildren {
  return (
    <article class={`review-row ${picture ? "" : "is-bare"} ${selected ? "is-selected" : ""}`} data-entry-id={id}>
      {picture && <Thumb {...picture} none={review.row.noPicture} />}
      <div class="review-text">
        <p class="review-title">
          <strong class="review-label">{title}</strong>
          <span class="review-camera">{camera}</span>
        </p>
        <p class="review-state" title={state}>
          {state}
        </p>
        <p class="review-minor">{minor}</p>
      </div>
      <When at={at} zone={zone} serverNow={serverNow} />
      <a
        class="review-open"
        {...link}
        aria-current={selected ? "true" : undefined}
        aria-label={review.row.alert(title, camera, timeWords(at, zone), state)}
      />
    </article>
  );
}

function When({ at, zone, serverNow }: { at: string; zone: string; serverNow: () => number }) {
  const time = siteTimeAt(Date.parse(at), zone);
  const age = useTicking(() => ageWords(serverNow() - Date.parse(at)));
  const isToday = siteTimeAt(serverNow(), zone).date === time.date;
  return (
    <div class="review-when">
      <time dateTime={at} title={`${time.longDate}, ${time.time} ${time.zone}`}>
        <span class="digits">{time.time}</span> <span class="zone">{time.zone}</span>
      </time>
      <span class="review-minor">
        {!isToday && <>{time.date.replace(/ \d+$/, "")} · </>}
        <span class="age">{age}</span>
      </span>
    </div>
  );
}

function timeWords(at: string, zone: string): string {
  const time = siteTimeAt(Date.parse(at), zone);
  return `${time.time} ${time.zone}, ${time.date}`;
}
