import { useId, useState } from "preact/hooks";
import { ApiProblem } from "../../api/client";
import type { BudgetAmounts, BudgetChange, BudgetPin, BudgetRequest, CameraCosts, Costs, StepName } from "../../api/types";
import { may, useApp, usePoll } from "../../app/context";
import { STEPS, untilWords } from "../../state/budget";
import { budgetRequest, LIFTED_FOR_HOURS } from "../../state/costs";
import { budgetWords } from "../../strings/budget";
import { costs as all } from "../../strings/costs";
import { whoOf } from "../../state/reviewWords";
import "../../styles/fields.css";
import { HoursField } from "../../ui/HoursField";
import { WarnIcon } from "../../ui/icons";
import { shortTime } from "../wall/words";

const words = all.budget;
const POLL_MS = 30_000;

/** What the budget is, what cameras give up for it and until when, and an administrator's change of that for a while. */
export function BudgetSection({ costs, onChanged }: { costs: Costs; onChanged: () => void }) {
  const { client, me, serverNow } = useApp();
  const steps = usePoll("budget", POLL_MS, (signal) => client.budget(signal));
  const [sending, setSending] = useState(false);
  const [said, say] = useState<{ words: string; bad: boolean } | null>(null);
  const mayChange = may(me, "admin");
  const { site, cameras } = costs;
  const told = cameras.filter(({ step, budget, critical }) => step !== null || budget !== null || critical);
  const budgeted = site?.budget != null || cameras.some(({ budget }) => budget !== null);
  const calm = !cameras.some(({ step }) => step !== null);

  const send = async (request: BudgetRequest) => {
    if (sending) return;
    setSending(true);
    try {
      await client.setBudget(request);
      say({ words: request.step === null ? words.ended : words.done, bad: false });
      onChanged();
      steps.again();
    } catch (error) {
      say({ words: words.failed(whyNot(error)), bad: true });
    } finally {
      setSending(false);
    }
  };
  const ask = (step: StepName | null, hours: number, camera: string | null) => void send(budgetRequest(step, hours, camera, serverNow()));

  return (
    <section class="chart chart-wide costs-budget" aria-labelledby="costs-budget">
      <div class="chart-head">
        <h2 id="costs-budget">{words.title}</h2>
      </div>
      {site?.budget && <p>{words.site(amountsWords(site.budget))}</p>}
      {!budgeted && calm ? <p>{words.none}</p> : calm && <p>{words.calm}</p>}
      {told.length > 0 && (
        <ul class="costs-steps">
          {told.map((camera) => (
            <Item key={camera.camera_id} camera={camera} sending={sending} onAsk={mayChange ? ask : null} />
          ))}
        </ul>
      )}
      {steps.data && steps.data.set.length > 0 && (
        <ul class="costs-steps">
          {steps.data.set.map((pin) => (
            <Pin key={pin.camera ?? ""} pin={pin} cameras={cameras} sending={sending} onAsk={mayChange && (pin.camera !== null || site) ? ask : null} />
          ))}
        </ul>
      )}
      {mayChange ? (
        <Change cameras={cameras} whole={site !== null} sending={sending} onAsk={ask} />
      ) : (
        !calm && <p class="hint">{words.onlyAdmins}</p>
      )}
      {steps.data && steps.data.changes.length > 0 && <History changes={steps.data.changes} cameras={cameras} />}
      <p class={`costs-said ${said?.bad ? "is-bad" : "hint"}`} role="status">
        {said?.bad && <WarnIcon />}
        {said?.words}
      </p>
    </section>
  );
}

type Ask = (step: StepName | null, hours: number, camera: string | null) => void;

function Item({ camera, sending, onAsk }: { camera: CameraCosts; sending: boolean; onAsk: Ask | null }) {
  const { zone, serverNow } = useApp();
  const { camera_id, name, step, next_step, budget, critical } = camera;
  const nowMs = serverNow();
  return (
    <li data-camera={camera_id} class={step && step.step !== "full" ? "is-held" : ""}>
      <div>
        <h3>{name}</h3>
        {step && (
          <p>
            <strong>{words.gives(sentence(budgetWords.step[step.step]), untilWords(step.until, nowMs, zone))}</strong>
            {". "}
            {words.since(shortTime(Date.parse(step.since), nowMs, zone), words.causes[step.cause] ?? step.cause)}{" "}
            {step.cause !== "set" && (next_step === null ? words.last : words.next(budgetWords.step[next_step]))}
          </p>
        )}
        {(budget || critical) && (
          <p class="hint">{[budget && amountsWords(budget), critical && words.critical].filter(Boolean).join(" · ")}</p>
        )}
      </div>
      {onAsk && step && step.cause !== "set" && (
        <button
          type="button"
          class="button"
          aria-disabled={sending}
          aria-label={words.liftOf(name)}
          onClick={() => onAsk("full", LIFTED_FOR_HOURS, camera_id)}
        >
          {words.lift}
        </button>
      )}
    </li>
  );
}

/** What somebody has set, perhaps for all; a camera may not have heard of it for a minute or two. */
function Pin({ pin, cameras, sending, onAsk }: { pin: BudgetPin; cameras: readonly CameraCosts[]; sending: boolean; onAsk: Ask | null }) {
  const { zone, serverNow } = useApp();
  const name = words.pinned(pin.camera === null ? null : nameOf(pin.camera, cameras));
  return (
    <li data-pin={pin.camera ?? ""}>
      <div>
        <h3>{name}</h3>
        <p>{words.pin(words.steps[pin.step], whoOf(pin, words.you), untilWords(pin.until, serverNow(), zone))}</p>
      </div>
      {onAsk && (
        <button
          type="button"
          class="button"
          aria-disabled={sending}
          aria-label={words.endOf(name)}
          onClick={() => onAsk(null, 0, pin.camera)}
        >
          {words.end}
        </button>
      )}
    </li>
  );
}

function History({ changes, cameras }: { changes: readonly BudgetChange[]; cameras: readonly CameraCosts[] }) {
  const { zone, serverNow } = useApp();
  return (
    <details class="costs-change">
      <summary>{words.history}</summary>
      <ul class="costs-history">
        {changes.map((change) => (
          <li key={`${change.at} ${change.cause} ${change.before} ${change.after} ${change.cameras[0]}`}>
            <time class="digits" dateTime={change.at}>
              {shortTime(Date.parse(change.at), serverNow(), zone)}
            </time>{" "}
            {changeWords(change, cameras)}
            {change.budget_usd !== null && change.spent_usd !== null && change.set_aside_usd !== null && (
              <span class="hint">
                {" "}
                {words.amountsThen(all.usd(change.spent_usd), all.usd(change.set_aside_usd), all.usd(change.budget_usd))}
              </span>
            )}
          </li>
        ))}
      </ul>
    </details>
  );
}

function changeWords({ kind, cause, cameras: ids, after }: BudgetChange, cameras: readonly CameraCosts[]): string {
  if (kind === "nears") return words.changes.nears(words.budgets[cause] ?? cause);
  const who = ids.length > 1 && ids.length === cameras.length ? words.allCameras : ids.map((id) => nameOf(id, cameras)).join(", ");
  return words.changes[kind](who, budgetWords.step[after]);
}

function nameOf(id: string, cameras: readonly CameraCosts[]): string {
  return cameras.find(({ camera_id }) => camera_id === id)?.name ?? id;
}

function Change({ cameras, whole, sending, onAsk }: { cameras: readonly CameraCosts[]; whole: boolean; sending: boolean; onAsk: Ask }) {
  const [camera, setCamera] = useState(whole ? "" : (cameras[0]?.camera_id ?? ""));
  const [step, setStep] = useState<StepName>("full");
  const [hours, setHours] = useState(LIFTED_FOR_HOURS);
  const id = useId();
  return (
    <details class="costs-change">
      <summary>{words.change}</summary>
      <form
        class="fields"
        aria-label={words.change}
        onSubmit={(event) => {
          event.preventDefault();
          onAsk(step, hours, camera || null);
        }}
      >
        <p>
          <label for={`${id}-camera`}>{words.camera}</label>
          <select id={`${id}-camera`} value={camera} onChange={(event) => setCamera(event.currentTarget.value)}>
            {whole && <option value="">{words.allCameras}</option>}
            {cameras.map(({ camera_id, name }) => (
              <option key={camera_id} value={camera_id}>
                {name}
              </option>
            ))}
          </select>
        </p>
        <p>
          <label for={`${id}-step`}>{words.step}</label>
          <select id={`${id}-step`} value={step} onChange={(event) => setStep(event.currentTarget.value as StepName)}>
            {STEPS.map((each) => (
              <option key={each} value={each}>
                {words.steps[each]}
              </option>
            ))}
          </select>
        </p>
        <HoursField hours={hours} onChoose={setHours} />
        <button class="button button-main" aria-disabled={sending}>
          {sending ? words.applying : words.apply}
        </button>
        <p class="hint">{words.changeHint}</p>
      </form>
    </details>
  );
}

function amountsWords({ per_day_usd, per_month_usd }: BudgetAmounts): string {
  return [
    per_day_usd !== null && words.amounts.day(all.round(per_day_usd)),
    per_month_usd !== null && words.amounts.month(all.round(per_month_usd)),
  ]
    .filter(Boolean)
    .join(words.and);
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function whyNot(error: unknown): string {
  if (!(error instanceof ApiProblem) || error.kind === "failing") return words.failing;
  if (error.kind === "unreachable") return words.unreachable;
  return error.status === 403 ? words.forbidden : words.refused(error.message);
}
