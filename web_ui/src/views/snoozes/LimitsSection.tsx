import { useId, useState } from "preact/hooks";
import { ApiProblem } from "../../api/client";
import type { Limits, LimitsRequest } from "../../api/types";
import { may, useApp, usePoll } from "../../app/context";
import { rfc3339 } from "../../state/filters";
import { budgetWords, EMPTY_FORM, requestOf, usdWords, whyNotSet, type LimitsForm } from "../../state/limitsForm";
import { whoOf } from "../../state/reviewWords";
import { limits as words } from "../../strings/limits";
import "../../styles/fields.css";
import { siteTimeAt } from "../../time/zone";
import { HoursField } from "../../ui/HoursField";
import { WarnIcon } from "../../ui/icons";

const POLL_MS = 15_000;

/** How many texts may go out, how many have, and an administrator's change of it for a while. */
export function LimitsSection() {
  const { client, me } = useApp();
  const poll = usePoll("limits", POLL_MS, (signal) => client.limits(signal));
  const [sending, setSending] = useState(false);
  const [said, say] = useState<{ words: string; bad: boolean } | null>(null);
  const mayChange = may(me, "admin");

  const send = async (request: LimitsRequest, done: string) => {
    if (sending) return false;
    setSending(true);
    try {
      await client.setLimits(request);
      say({ words: done, bad: false });
      poll.again();
      return true;
    } catch (error) {
      const problem = error instanceof ApiProblem ? error : new ApiProblem("failing", String(error));
      say({ words: words.failed(whyNotSet(problem)), bad: true });
      return false;
    } finally {
      setSending(false);
    }
  };

  const { data } = poll;
  return (
    <section class="limits" aria-labelledby="limits-heading" aria-busy={!data}>
      <h2 id="limits-heading">{words.heading}</h2>
      {data ? <Facts limits={data} /> : !poll.problem && <p class="hint">{words.loading}</p>}
      {data?.override && mayChange && (
        <button
          type="button"
          class="button"
          aria-disabled={sending}
          onClick={() => void send({ until: rfc3339(Date.parse(data.override?.at ?? "")) }, words.ended)}
        >
          {words.end}
        </button>
      )}
      {data && (mayChange ? <Change limits={data} sending={sending} onSend={send} onWrong={(why) => say({ words: why, bad: true })} /> : <p class="hint">{words.onlyAdmins}</p>)}
      <p class={`limits-said ${said?.bad ? "snooze-failed" : "hint"}`} role="status">
        {said?.bad && <WarnIcon />}
        {said?.words}
      </p>
    </section>
  );
}

function Facts({ limits: { holds, used, override } }: { limits: Limits }) {
  const { zone } = useApp();
  const spent = usdWords(used.spent_usd);
  const until = override && siteTimeAt(Date.parse(override.until), zone);
  return (
    <>
      <dl class="limits-facts">
        <div>
          <dt>{words.today}</dt>
          <dd class="digits">{words.todayWords(used.texts, holds.per_day)}</dd>
        </div>
        <div>
          <dt>{words.month}</dt>
          <dd class="digits">
            {holds.monthly_budget_usd === null ? words.monthNoBudget(spent) : words.monthWords(spent, usdWords(holds.monthly_budget_usd))}
          </dd>
        </div>
        <div>
          <dt>{words.contact}</dt>
          <dd class="digits">{words.contactWords(holds.per_contact_and_hour)}</dd>
        </div>
      </dl>
      {(used.texts_left === 0 || used.usd_left === 0) && (
        <p class="snooze-failed">
          <WarnIcon />
          {words.used}
        </p>
      )}
      <p>
        {override && until
          ? words.set(whoOf(override, words.you), `${until.longDate}, ${until.timeToMinute} ${until.zone}`)
          : words.siteFile}
      </p>
      <p class="hint">
        {holds.critical_passes ? words.passes : words.critical} {words.counted(String(holds.usd_per_text))}
      </p>
    </>
  );
}

interface ChangeProps {
  limits: Limits;
  sending: boolean;
  /** Whether it was taken. */
  onSend: (request: LimitsRequest, done: string) => Promise<boolean>;
  onWrong: (why: string) => void;
}

function Change({ limits: { site_file }, sending, onSend, onWrong }: ChangeProps) {
  const { serverNow } = useApp();
  const [form, setForm] = useState<LimitsForm>(EMPTY_FORM);
  const id = useId();
  const submit = async (event: Event) => {
    event.preventDefault();
    const made = requestOf(form, serverNow());
    if ("wrong" in made) onWrong(made.wrong);
    else if (await onSend(made.request, words.done)) setForm(EMPTY_FORM);
  };
  const fields = [
    { key: "perDay", name: words.perDay, hint: words.unchanged(String(site_file.per_day)) },
    { key: "perHour", name: words.perHour, hint: words.unchanged(String(site_file.per_contact_and_hour)) },
    { key: "usd", name: words.budget, hint: budgetWords(site_file) },
  ] as const;
  return (
    <form class="fields limits-form" aria-label={words.change} onSubmit={(event) => void submit(event)}>
      <h3>{words.change}</h3>
      {fields.map(({ key, name, hint }) => (
        <p key={key}>
          <label for={`${id}-${key}`}>{name}</label>
          <input
            id={`${id}-${key}`}
            inputMode="decimal"
            autocomplete="off"
            placeholder={hint}
            value={form[key]}
            onInput={(event) => setForm({ ...form, [key]: event.currentTarget.value })}
          />
        </p>
      ))}
      <HoursField hours={form.hours} onChoose={(hours) => setForm({ ...form, hours })} />
      <button class="button button-main" aria-disabled={sending}>
        {sending ? words.applying : words.apply}
      </button>
    </form>
  );
}
