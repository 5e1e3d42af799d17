import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import type { PollState } from "../../state/poll";
import { csvOf, type ChartTable } from "../../state/chartsTable";
import { charts as words } from "../../strings/charts";
import type { Answer } from "./data";

/** What a card shows once its answer is there. */
export interface Shown {
  /** What a person who sees no bars needs to know of them. */
  summary: string;
  /** Left out where there is nothing to draw: the summary says so. */
  chart?: ComponentChildren;
  table?: ChartTable;
  notes?: readonly (string | null)[];
}

interface Props<T> {
  title: string;
  by?: string;
  wide?: boolean;
  poll: PollState<Answer<T>> & { again: () => void };
  /** What is said where the API has no such route. */
  missing: string;
  asTable: boolean;
  fileName: string;
  onTable: (asTable: boolean) => void;
  show: (answer: { bins: Answer<T>["bins"]; value: T }) => Shown;
}

export function ChartCard<T>({ title, by, wide, poll, missing, asTable, fileName, onTable, show }: Props<T>) {
  const id = useId();
  const { data, problem } = poll;
  const shown = data && data.value !== null ? show({ bins: data.bins, value: data.value }) : null;
  return (
    <section class={`chart ${wide ? "chart-wide" : ""}`} aria-labelledby={id} aria-busy={!data && !problem}>
      <div class="chart-head">
        <h2 id={id}>
          {title}
          {by && <span class="chart-by">, {by}</span>}
        </h2>
        {shown?.table && (
          <>
            <button
              type="button"
              class="button"
              aria-label={asTable ? words.card.asChartOf(title) : words.card.asTableOf(title)}
              onClick={() => onTable(!asTable)}
            >
              {asTable ? words.card.asChart : words.card.asTable}
            </button>
            <button
              type="button"
              class="button"
              aria-label={words.card.downloadOf(title)}
              onClick={() => shown.table && download(fileName, csvOf(shown.table))}
            >
              {words.card.download}
            </button>
          </>
        )}
      </div>
      {shown ? (
        <>
          <p class="chart-summary">{shown.summary}</p>
          {asTable && shown.table ? <Table title={title} table={shown.table} /> : shown.chart}
          {shown.notes?.map((note) => note && <p class="hint">{note}</p>)}
        </>
      ) : data ? (
        <p class="chart-words">{missing}</p>
      ) : problem ? (
        <div class="chart-words" role="status">
          <p>{problem.kind === "refused" ? words.card.refused(problem.message) : words.card.failed}</p>
          <button type="button" class="button" onClick={poll.again}>
            {words.card.tryAgain}
          </button>
        </div>
      ) : (
        <p class="chart-words hint">{words.card.loading}</p>
      )}
    </section>
  );
}

function Table({ title, table: { columns, rows, inFileOnly = [], written = {} } }: { title: string; table: ChartTable }) {
  const shown = columns.map((_, column) => column).filter((column) => !inFileOnly.includes(column));
  return (
    <div class="chart-table" role="region" tabIndex={0} aria-label={words.card.table(title)}>
      <table>
        <thead>
          <tr>
            {shown.map((column) => (
              <th key={column} scope="col">
                {columns[column]}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, n) => (
            <tr key={n}>
              {shown.map((column) => {
                const cell = row[column]!;
                return column === 0 ? (
                  <th key={column} scope="row">
                    {cell}
                  </th>
                ) : (
                  <td key={column} class={typeof cell === "string" ? "" : "is-number"}>
                    {cell === null ? words.stack.unknown : typeof cell === "number" ? (written[column] ?? words.number)(cell) : cell}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function download(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // Not at once: the browser may not have begun to read it.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
