import { linkTo } from "../../app/context";
import { charts as words } from "../../strings/charts";

/** Who looks for money among the charts is shown the way. */
export function CostPanel() {
  return (
    <section class="chart" aria-labelledby="chart-cost">
      <div class="chart-head">
        <h2 id="chart-cost">{words.cost.title}</h2>
      </div>
      <p class="chart-words">{words.cost.elsewhere}</p>
      <p>
        <a class="link" {...linkTo("costs")}>
          {words.cost.show}
        </a>
      </p>
    </section>
  );
}
