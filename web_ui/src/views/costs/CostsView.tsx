import "../../styles/charts.css";
import "../../styles/costs.css";
import { ApiProblem } from "../../api/client";
import type { Costs } from "../../api/types";
import { may, navigate, useApp, usePoll } from "../../app/context";
import { csvName } from "../../state/chartsTable";
import { COST_CARDS, costsChoice, costsSearch, dayBins, monthAt, monthBeside, type CostCard, type CostsChoice } from "../../state/costs";
import { costs as words } from "../../strings/costs";
import { siteTimeAt } from "../../time/zone";
import { ChartCard, type Shown } from "../charts/ChartCard";
import type { Answer } from "../charts/data";
import { Patterns } from "../charts/patterns";
import type { ViewProps } from "../view";
import { BudgetSection } from "./BudgetSection";
import { Facts } from "./Facts";
import * as shown from "./shown";

const POLL_MS = 30_000;

/** What Framewatch costs: today, this month and at its end, by day, service and camera, what was saved, and the budget. */
export function CostsView({ params }: ViewProps) {
  const { me } = useApp();
  return may(me, "operator") ? (
    <ForOperators params={params} />
  ) : (
    <main id="main" tabIndex={-1} class="charts-main" aria-label={words.heading}>
      <p class="view-loading hint">{words.onlyOperators}</p>
    </main>
  );
}

function ForOperators({ params }: ViewProps) {
  const { client, site, zone } = useApp();
  const choice = costsChoice(params);
  const poll = usePoll<Answer<Costs>>(`costs ${choice.month ?? ""}`, POLL_MS, async (signal) => {
    try {
      const value = await client.costs(choice.month, signal);
      return { bins: dayBins(value, zone), value };
    } catch (error) {
      if (error instanceof ApiProblem && error.status === 404) return { bins: [], value: null };
      throw error;
    }
  });
  const found = poll.data?.value ?? null;

  const card = (name: CostCard, show: (answer: { bins: Answer<Costs>["bins"]; value: Costs }) => Shown) => (
    <ChartCard
      title={words.cards[name]}
      poll={poll}
      missing={words.missing}
      asTable={choice.tables.includes(name)}
      fileName={csvName(site.name, name, choice.month ?? found?.month.slice(0, 7) ?? null)}
      onTable={(asTable) =>
        navigate(costsSearch({ ...choice, tables: COST_CARDS.filter((each) => (each === name ? asTable : choice.tables.includes(each))) }), {
          replace: true,
        })
      }
      show={show}
      {...(name === "days" ? { by: words.byDay, wide: true } : name === "cameras" ? { wide: true } : {})}
    />
  );
  // A site's whole figures are for who may see the whole of it.
  const whole = !found || found.site !== null;
  return (
    <>
      <Controls choice={choice} costs={found} />
      <main id="main" class="charts-main" tabIndex={-1} aria-label={words.heading} aria-busy={!poll.data && !poll.problem}>
        <Patterns />
        <div class="charts">
          {found && <Facts costs={found} />}
          {found && !found.is_over && <BudgetSection costs={found} onChanged={poll.again} />}
          {whole && card("days", ({ bins, value }) => shown.days(value, bins, zone))}
          {whole && card("services", ({ value }) => shown.services(value))}
          {card("saved", ({ value }) => shown.saved(value))}
          {card("cameras", ({ value }) => shown.cameras(value))}
        </div>
      </main>
    </>
  );
}

function Controls({ choice, costs }: { choice: CostsChoice; costs: Costs | null }) {
  const { zone, serverNow } = useApp();
  const current = monthAt(serverNow(), zone);
  const month = choice.month ?? current;
  const go = (to: string) => navigate(costsSearch({ ...choice, month: to === current ? null : to }));
  const name = siteTimeAt(Date.parse(`${month}-15T12:00:00Z`), zone).longDate.replace(/^\S+ \d+ /, "");
  return (
    <div class="controls charts-controls" role="search" aria-label={words.month.region}>
      <div class="segments" role="group" aria-label={words.month.region}>
        <button type="button" aria-label={words.month.before} title={words.month.before} onClick={() => go(monthBeside(month, -1))}>
          ‹
        </button>
        <button
          type="button"
          aria-label={words.month.after}
          title={words.month.after}
          aria-disabled={month >= current}
          onClick={() => month < current && go(monthBeside(month, 1))}
        >
          ›
        </button>
      </div>
      <p class="costs-month" role="status">
        <strong>{name}</strong>
      </p>
      {month !== current && (
        <button type="button" class="button" onClick={() => go(current)}>
          {words.month.now}
        </button>
      )}
      {costs && <p class="hint">{words.month.prices(costs.prices.region, dateWords(costs.prices.as_of))}</p>}
    </div>
  );
}

/** A date of a calendar, whatever the zone. */
function dateWords(date: string): string {
  return siteTimeAt(Date.parse(`${date}T12:00:00Z`), "UTC").date;
}
