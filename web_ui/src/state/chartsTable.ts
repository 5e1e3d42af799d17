// A chart as rows and columns: what the table shows and what the download holds.

import { siteTimeAt } from "../time/zone";
import type { Bin } from "./charts";
import type { Series } from "./chartsSeries";

export type Cell = string | number | null;

export interface ChartTable {
  columns: readonly string[];
  /** As long as columns each. null: nobody knows. */
  rows: readonly (readonly Cell[])[];
  /** Columns that only the download has: what a program reads and a person does not. */
  inFileOnly?: readonly number[];
  /** How the numbers of a column are shown; the download has them as they are. */
  written?: Readonly<Record<number, (value: number) => string>>;
}

// A spreadsheet reads a cell that begins so as a formula; labels and names are anybody's text.
const FORMULA = /^(\s*[=+\-@\uFF0B\uFF0D\uFF1D\uFF20]|[\t\r\n])/;

export function csvCell(cell: Cell): string {
  if (cell === null) return "";
  if (typeof cell === "number") return String(cell);
  const text = FORMULA.test(cell) ? `'${cell}` : cell;
  return /[",\r\n;\t]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** RFC 4180, with a byte order mark: without one, Excel does not take it for UTF-8. */
export function csvOf({ columns, rows }: ChartTable): string {
  return `\uFEFF${[columns, ...rows].map((row) => `${row.map(csvCell).join(",")}\r\n`).join("")}`;
}

/** framewatch-corner-shop-detections-7d.csv: letters, digits and dashes only, whatever the site is called. */
export function csvName(...parts: readonly (string | null)[]): string {
  const words = parts.map((part) => (part ?? "").normalize("NFKD").replace(/[^A-Za-z0-9]+/g, "-").replace(/^-+|-+$/g, ""));
  return `${["framewatch", ...words].filter(Boolean).join("-").toLowerCase().slice(0, 120)}.csv`;
}

export interface StackTableWords {
  from: string;
  to: string;
  fromUtc: string;
  names: readonly string[];
  total: string;
}

/** A row a bar, oldest first. Times are the site's, with the zone; the file has each bar's end and the instant as well. */
export function stackTable(
  { series, totals }: { series: readonly Series[]; totals: readonly number[] },
  bins: readonly Bin[],
  zone: string,
  words: StackTableWords,
): ChartTable {
  const wall = (utcMs: number) => {
    const at = siteTimeAt(utcMs, zone);
    return `${at.date}, ${at.timeToMinute} ${at.zone}`;
  };
  return {
    columns: [words.from, words.to, words.fromUtc, ...words.names, words.total],
    rows: bins.map(({ fromMs, toMs }, n) => [
      wall(fromMs),
      wall(toMs),
      new Date(fromMs).toISOString(),
      ...series.map(({ values }) => values[n]!),
      totals[n]!,
    ]),
    inFileOnly: [1, 2],
  };
}
