import type { RefObject } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Alert, Answer, AnswerKind, Snooze } from "../../api/types";
import { linkTo, may, useApp } from "../../app/context";
import { rfc3339 } from "../../state/filters";
import { NO_REVIEW_FILTERS, searchOfReview } from "../../state/reviewAddress";
import type { Deed } from "../../state/reviewActions";
import { clockWords, deedWords, msWords, ruleWords, stagesOf, standingOf, wholeWayMs, whoOf } from "../../state/reviewWords";
import { review } from "../../strings/review";
import { ageWords, wholePercent } from "../../time/words";
import { siteTimeAt } from "../../time/zone";
import { CloseIcon, LeftIcon, RightIcon, WarnIcon } from "../../ui/icons";
import { useTicking } from "../../ui/ticker";
import { AlertPicture } from "./AlertPicture";
import { NoteForm } from "./NoteForm";

/** Of the timeline, on each side of the alert. */
const AROUND_MS = 5 * 60_000;

export interface DetailProps {
  alert: Alert;
  snoozes: readonly Snooze[];
  /** What was done about it, oldest first. */
  deeds: readonly Deed[];
  epoch: number;
  note: RefObject<HTMLTextAreaElement | null>;
  onAct: (kind: AnswerKind) => void;
  onNote: (text: string) => void;
  onRetry: (key: string) => void;
  onDismiss: (key: string) => void;
  onNewer: (() => void) | null;
  onOlder: (() => void) | null;
  onClose: () => void;
}

/** Everything that is kept of one alert, and what can be done about it. */
export function Detail({ alert, snoozes, deeds, epoch, note, onAct, onNote, onRetry, onDismiss, onNewer, onOlder, onClose }: DetailProps) {
  const { me, zone, serverNow, site } = useApp();
  const mayAct = may(me, "operator");
  const capturedMs = Date.parse(alert.captured_at);
  const time = siteTimeAt(capturedMs, zone);
  const age = useTicking(() => ageWords(serverNow() - capturedMs));
  const stateWords = useTicking(() => standingOf(alert, snoozes, serverNow(), zone).words);
  const { tone, next } = standingOf(alert, snoozes, serverNow(), zone);
  const camera = site.cameras.find(({ camera_id }) => camera_id === alert.camera_id) ?? null;
  const d = review.detail;
  return (
    <>
      <header class="detail-head">
        <button type="button" class="button button-quiet detail-close" aria-label={d.close} title={d.back} onClick={onClose}>
          <LeftIcon />
          <CloseIcon />
        </button>
        <div class="detail-title">
          <h2>
            <span class={`severity is-${alert.severity}`}>{review.severity[alert.severity] ?? alert.severity}</span>
            <span class="review-label">
              {alert.label} {wholePercent(alert.confidence)}
            </span>
          </h2>
          <p>
            {alert.camera_name} ·{" "}
            <time dateTime={alert.captured_at}>
              {time.date}, <span class="digits">{time.time}</span> {time.zone}
            </time>{" "}
            · <span class="age">{age}</span>
          </p>
        </div>
        <div class="detail-steps">
          <button type="button" class="button" aria-label={d.newer} title={d.newer} aria-disabled={!onNewer} onClick={() => onNewer?.()}>
            <LeftIcon />
          </button>
          <button type="button" class="button" aria-label={d.older} title={d.older} aria-disabled={!onOlder} onClick={() => onOlder?.()}>
            <RightIcon />
          </button>
        </div>
      </header>
      <AlertPicture key={alert.alert_id} alert={alert} camera={camera} epoch={epoch} />
      <div class="detail-body">
        <p class={`detail-state is-${tone}`} data-testid="detail-state">
          <strong>{stateWords}</strong>
          {next && <span> · {next}</span>}
        </p>
        {mayAct ? <Actions deeds={deeds} onAct={onAct} onNote={() => note.current?.focus()} /> : <p class="hint">{review.actions.viewer}</p>}
        {deeds.map((deed) => {
          const { tone: deedTone, words } = deedWords(deed);
          return (
            <p key={deed.key} class={`deed is-${deedTone}`}>
              {deedTone === "failed" && <WarnIcon />}
              <span>{words}</span>
              {deed.phase === "failed" && (
                <button type="button" class="link" onClick={() => onRetry(deed.key)}>
                  {review.deeds.retry}
                </button>
              )}
              {deed.phase === "failed" && (
                <button type="button" class="link" onClick={() => onDismiss(deed.key)}>
                  {review.deeds.dismiss}
                </button>
              )}
            </p>
          );
        })}
        <p class="detail-links">
          <a class="link" {...linkTo("frame", { camera: alert.camera_id, at: alert.captured_at, id: alert.frame_id })}>
            {d.toFrame}
          </a>
          <a
            class="link"
            {...linkTo("timeline", {
              camera: alert.camera_id,
              from: rfc3339(capturedMs - AROUND_MS),
              to: rfc3339(capturedMs + AROUND_MS),
            })}
          >
            {d.toTimeline}
          </a>
          <CopyLink alert={alert} />
        </p>
        <Told alert={alert} zone={zone} />
        <Section title={d.answers} none={alert.answers.length === 0 && d.noAnswers}>
          <ul class="detail-list">
            {alert.answers.map((answer: Answer) => (
              <Line key={answer.kind} at={answer.at} zone={zone}>
                {(d.answerWords[answer.kind] ?? d.answerWords.closed)(whoOf(answer, d.You))}
              </Line>
            ))}
          </ul>
        </Section>
        <Section title={d.notes} none={alert.notes.length === 0 && !mayAct && d.noNotes}>
          <ul class="detail-list">
            {alert.notes.map((each) => (
              <Line key={`${each.at} ${each.by}`} at={each.at} zone={zone}>
                <strong>{whoOf(each, d.You)}</strong>
                <span class="note-text">{each.text}</span>
              </Line>
            ))}
          </ul>
          {mayAct && <NoteForm key={alert.alert_id} field={note} deeds={deeds} onNote={onNote} />}
        </Section>
        {alert.joined.length > 0 && (
          <Section title={d.joined}>
            <ul class="detail-list">
              {alert.joined.map((each) => (
                <Line key={`${each.frame_id} ${each.label}`} at={each.captured_at} zone={zone}>
                  <a class="link" {...linkTo("frame", { camera: each.camera_id, at: each.captured_at, id: each.frame_id })}>
                    {d.joinedWords(each.label, each.camera_name, wholePercent(each.confidence))}
                  </a>
                </Line>
              ))}
            </ul>
          </Section>
        )}
        <TraceBar alert={alert} />
        <dl class="facts">
          <dt>{d.facts.rule}</dt>
          <dd>{ruleWords(alert.rule_id)}</dd>
          <dt>{d.facts.confidence}</dt>
          <dd>{alert.confidence.toFixed(1)}%</dd>
          <dt>{d.facts.visit}</dt>
          <dd class="facts-id">{alert.visit_id}</dd>
        </dl>
      </div>
    </>
  );
}

const ACTIONS = ["taken", "false-alarm", "closed", "snoozed"] as const;
const KEY_OF: Record<string, string> = { taken: "a", "false-alarm": "f", closed: "c", snoozed: "s", note: "n" };

function Actions({ deeds, onAct, onNote }: { deeds: readonly Deed[]; onAct: (kind: AnswerKind) => void; onNote: () => void }) {
  const sending = (kind: AnswerKind) => deeds.some((deed) => deed.kind === kind && deed.phase === "sending");
  return (
    <div class="detail-actions" role="group" aria-label={review.actions.group}>
      {ACTIONS.map((kind) => (
        <button
          type="button"
          key={kind}
          class={`button ${kind === "taken" ? "button-main" : ""}`}
          aria-disabled={sending(kind)}
          aria-keyshortcuts={KEY_OF[kind]}
          onClick={() => onAct(kind)}
        >
          {review.actions[kind]}
        </button>
      ))}
      <button type="button" class="button" aria-keyshortcuts={KEY_OF.note} onClick={onNote}>
        {review.actions.note}
      </button>
    </div>
  );
}

function Told({ alert, zone }: { alert: Alert; zone: string }) {
  const d = review.detail;
  const answered = alert.answers.length > 0;
  const upcoming = alert.escalation.findIndex((step) => step.at === null);
  return (
    <>
      <Section title={d.told} none={alert.deliveries.length === 0 && d.toldNobody}>
        <ul class="detail-list">
          {alert.deliveries.map(({ contact_id, state, at, reason }) => (
            <Line key={contact_id} at={at} zone={zone}>
              {(d.delivery[state] ?? d.delivery.held)(contact_id)} {reason && <span class="hint">{d.reason(d.heldBy[reason] ?? reason)}</span>}
            </Line>
          ))}
        </ul>
      </Section>
      {alert.escalation.length > 0 && (
        <Section title={d.escalation}>
          <ol class="detail-list">
            {alert.escalation.map(({ contact_id, told, at }, index) =>
              at !== null ? (
                <Line key={contact_id} at={at} zone={zone}>
                  {told ? d.stepTold(contact_id) : d.stepTried(contact_id)}
                </Line>
              ) : (
                <li key={contact_id}>
                  {answered
                    ? d.stepNever(contact_id)
                    : index === upcoming && alert.escalates_at
                      ? d.stepAt(contact_id, clockWords(alert.escalates_at, zone))
                      : d.stepWaits(contact_id)}
                </li>
              ),
            )}
          </ol>
        </Section>
      )}
    </>
  );
}

/** A stage that takes less than this share of the whole can still be seen. */
const LEAST_SHARE = 0.01;

function TraceBar({ alert }: { alert: Alert }) {
  const stages = stagesOf(alert.trace);
  const known = stages.filter((stage): stage is { name: string; ms: number } => stage.ms !== null);
  const sumMs = known.reduce((sum, { ms }) => sum + ms, 0);
  const wholeMs = wholeWayMs(alert.trace);
  const d = review.detail;
  return (
    <Section title={d.trace} none={known.length === 0 && d.traceNone} aside={wholeMs === null ? "" : d.traceTotal(msWords(wholeMs))}>
      <div class="trace" aria-hidden="true">
        {known.map(({ name, ms }) => (
          <i key={name} class={`trace-${name}`} style={{ flexGrow: String(Math.max(LEAST_SHARE, sumMs ? ms / sumMs : 1)) }} />
        ))}
      </div>
      <dl class="trace-words">
        {stages.map(({ name, ms }) => (
          <div key={name}>
            <dt>
              <i class={`trace-${name}`} aria-hidden="true" />
              {d.stages[name]}
            </dt>
            <dd class="digits">{ms === null ? d.unknownStage : msWords(ms)}</dd>
          </div>
        ))}
      </dl>
    </Section>
  );
}

function CopyLink({ alert }: { alert: Alert }) {
  const [said, setSaid] = useState("");
  useEffect(() => setSaid(""), [alert.alert_id]);
  const open = { alertId: alert.alert_id, cameraId: alert.camera_id, at: alert.captured_at };
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(`${location.origin}/${searchOfReview(NO_REVIEW_FILTERS, open)}`);
      setSaid(review.detail.copied);
    } catch {
      setSaid(review.detail.copyFailed);
    }
  };
  return (
    <>
      <button type="button" class="link" onClick={() => void copy()}>
        {review.detail.copy}
      </button>
      <span class="hint" role="status">
        {said}
      </span>
    </>
  );
}

interface SectionProps {
  title: string;
  aside?: string;
  /** Instead of the content. */
  none?: string | false;
  children: preact.ComponentChildren;
}

function Section({ title, aside = "", none = false, children }: SectionProps) {
  return (
    <section class="detail-section">
      <h3>
        {title} {aside && <span class="hint">{aside}</span>}
      </h3>
      {none ? <p class="hint">{none}</p> : children}
    </section>
  );
}

function Line({ at, zone, children }: { at: string; zone: string; children: preact.ComponentChildren }) {
  const time = siteTimeAt(Date.parse(at), zone);
  return (
    <li>
      <time class="digits" dateTime={at} title={`${time.date}, ${time.time} ${time.zone}`}>
        {time.time}
      </time>
      <span>{children}</span>
    </li>
  );
}
