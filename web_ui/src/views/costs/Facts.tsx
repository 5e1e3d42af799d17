import type { ComponentChildren } from "preact";
import type { Costs } from "../../api/types";
import { useApp } from "../../app/context";
import { shareOf, totalsOf } from "../../state/costs";
import { costs as words } from "../../strings/costs";
import { durationWords, wholePercent } from "../../time/words";
import { siteTimeAt } from "../../time/zone";

/** From there on a budget counts as nearly used. */
const NEAR = 0.8;

/** The figures that are asked for first, each by its budget where it has one. */
export function Facts({ costs }: { costs: Costs }) {
  const { demo, zone } = useApp();
  const { site, is_over, metered_from, known_until, forecast_since } = costs;
  const totals = totalsOf(costs);
  const untilMs = known_until === null ? null : Date.parse(known_until);
  const since = (from: string | null) => (from === null || untilMs === null ? null : durationWords(untilMs - Date.parse(from)));
  const forecastBy = since(forecast_since);
  const run = since(metered_from);
  return (
    <section class="costs-facts chart-wide" aria-label={words.heading}>
      <dl>
        {!is_over && <Fact name={words.facts.today} usd={totals.todayUsd} budget={site?.budget?.per_day_usd} />}
        <Fact name={is_over ? words.facts.pastMonth : words.facts.month} usd={totals.monthUsd} budget={site?.budget?.per_month_usd}>
          {site && words.facts.standing(words.usd(site.standing_usd))}
        </Fact>
        {!is_over && (
          <Fact name={words.facts.forecast} usd={totals.forecastUsd} none={words.facts.noForecast} budget={site?.budget?.per_month_usd}>
            {totals.forecastUsd !== null && forecastBy && words.facts.forecastBy(forecastBy)}
          </Fact>
        )}
        <Fact name={words.facts.alert} usd={totals.usdPerAlert} none={words.facts.noAlert}>
          {totals.alerts > 0 && words.facts.alerts(totals.alerts)}
        </Fact>
      </dl>
      {!site && <p class="hint">{words.facts.own}</p>}
      {demo && run && <p class="costs-demo">{words.facts.demo(run)}</p>}
      <p class="hint">
        {metered_from === null
          ? words.facts.nothingMetered
          : Date.parse(metered_from) > Date.parse(costs.begins) && words.facts.meteredFrom(momentWords(metered_from, zone))}{" "}
        {known_until !== null && !is_over && words.facts.knownUntil(momentWords(known_until, zone))}
      </p>
    </section>
  );
}

interface FactProps {
  name: string;
  usd: number | null;
  /** What is said in the place of no figure. */
  none?: string;
  budget?: number | null | undefined;
  children?: ComponentChildren;
}

function Fact({ name, usd, none, budget, children }: FactProps) {
  const share = shareOf(usd, budget);
  return (
    <div class={share !== null && share > 1 ? "is-over" : ""}>
      <dt>{name}</dt>
      <dd>
        <strong class="digits">{usd === null ? none : words.usd(usd)}</strong>
        {share !== null && budget != null && (
          <>
            <span class="hint"> {words.facts.ofBudget(words.round(budget))}</span>
            <meter min={0} max={1} low={NEAR} high={0.999} optimum={0} value={Math.min(share, 1)} aria-label={`${name}: ${words.facts.meter(wholePercent(100 * share))}`} />
            {share > 1 && <span class="costs-over">{words.facts.overBudget}</span>}
          </>
        )}
        {children && <span class="costs-more hint">{children}</span>}
      </dd>
    </div>
  );
}

function momentWords(at: string, zone: string): string {
  const { date, timeToMinute, zone: letters } = siteTimeAt(Date.parse(at), zone);
  return `${date}, ${timeToMinute} ${letters}`;
}
