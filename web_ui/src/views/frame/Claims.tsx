import type { Alert, Frame, Visit } from "../../api/types";
import { linkTo, useApp, usePoll } from "../../app/context";
import { claimsOf, stagesOf } from "../../state/frameMoment";
import { frame as words } from "../../strings/frame";
import { wholePercent } from "../../time/words";
import { siteTimeAt } from "../../time/zone";

const ASK_EVERY_MS = 30_000;
/** A visit that lasts longer than this and began before is not looked for. */
const VISIT_BACK_MS = 3_600_000;
const AT_MOST = 50;

/** Alerts that this frame made, how long they took, and the visits that it belongs to. */
export function Claims({ frame }: { frame: Frame }) {
  const { client } = useApp();
  const atMs = Date.parse(frame.captured_at);
  const camera = frame.camera_id;
  const to = new Date(atMs + 1).toISOString();
  const { data, problem } = usePoll(`claims ${frame.frame_id}`, ASK_EVERY_MS, async (signal) => {
    const [alerts, visits] = await Promise.all([
      client.alerts({ camera, from: frame.captured_at, to, limit: AT_MOST }, signal),
      client.visits({ camera, from: new Date(atMs - VISIT_BACK_MS).toISOString(), to, limit: AT_MOST }, signal),
    ]);
    return claimsOf(frame, alerts.alerts, visits.visits);
  });
  return (
    <section class="claims" aria-labelledby="claims-title" aria-busy={data === null && problem === null}>
      <h3 id="claims-title">{words.claims}</h3>
      {data === null && problem !== null && <p class="hint">{words.claimsUnknown}</p>}
      {data?.alerts.length === 0 && data.visits.length === 0 && <p class="hint">{words.noClaims}</p>}
      {data?.alerts.map((alert) => <AlertClaim key={alert.alert_id} alert={alert} />)}
      {data?.visits.map((visit) => <VisitClaim key={visit.visit_id} visit={visit} shown={frame} />)}
    </section>
  );
}

function AlertClaim({ alert }: { alert: Alert }) {
  const answers = alert.answers.map(({ kind, is_you, name, by }) => words.answeredBy(words.answered[kind] ?? kind, is_you ? words.you : (name ?? by)));
  return (
    <article class={`claim is-${alert.severity}`} data-alert-id={alert.alert_id}>
      <p class="claim-head">
        <strong>{words.ruleName(alert.rule_id)}</strong>
        <span class="claim-severity">{words.severity[alert.severity] ?? alert.severity}</span>
      </p>
      <p>
        {words.alertOf(alert.label, wholePercent(alert.confidence))} · {words.state[alert.state] ?? alert.state}
      </p>
      <p class="hint">{answers.length ? answers.join(" · ") : words.unanswered}</p>
      <TraceBar alert={alert} />
      <a class="link" {...linkTo("review", { alert: alert.alert_id, camera: alert.camera_id, at: alert.captured_at })}>
        {words.openAlert}
      </a>
    </article>
  );
}

function TraceBar({ alert }: { alert: Alert }) {
  const { stages, wholeMs } = stagesOf(alert.trace);
  return (
    <div class="trace">
      <h4>{words.trace}</h4>
      <div class="trace-bar" aria-hidden="true">
        {stages.map(({ to, ms }, n) => (
          <i class={`trace-stage is-${n % 2 ? "odd" : "even"}`} data-stage={to} style={{ flexGrow: ms }} />
        ))}
      </div>
      <p>{wholeMs === null ? words.traceNoText : words.traceWhole(words.ms(wholeMs))}</p>
      <dl class="facts">
        {stages.map(({ from, to, ms }) => (
          <div key={to}>
            <dt>{words.stage(words.points[from], words.points[to])}</dt>
            <dd class="digits">{words.ms(ms)}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}

function VisitClaim({ visit, shown }: { visit: Visit; shown: Frame }) {
  const { zone } = useApp();
  const time = (at: string) => siteTimeAt(Date.parse(at), zone);
  const last = time(visit.last_seen);
  const { best } = visit;
  return (
    <article class="claim" data-visit-id={visit.visit_id}>
      <p>
        {words.visit(visit.label, time(visit.first_seen).time, visit.open ? words.visitOpen : `${last.time} ${last.zone}`, visit.frames)}
      </p>
      <ul>
        {visit.alerts.map(({ rule_id, state, alert_id }) => (
          <li key={`${rule_id} ${alert_id}`} class="hint">
            {words.visitAlert(words.ruleName(rule_id), words.state[state] ?? state)}
          </li>
        ))}
      </ul>
      {best.frame_id !== shown.frame_id && (
        <a class="link" {...linkTo("frame", { camera: visit.camera_id, at: best.captured_at, id: best.frame_id })}>
          {words.openBest}
        </a>
      )}
    </article>
  );
}
