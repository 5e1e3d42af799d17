import { charts as words } from "../../strings/charts";

/** The API tells no cost yet; a figure belongs here once it does, and not before. */
export function CostPanel() {
  return (
    <section class="chart" aria-labelledby="chart-cost">
      <div class="chart-head">
        <h2 id="chart-cost">{words.cost.title}</h2>
      </div>
      <p class="chart-words">{words.cost.notSetUp}</p>
    </section>
  );
}
