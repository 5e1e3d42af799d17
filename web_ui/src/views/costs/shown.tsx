// What each card says of the costs: a summary in words, the drawing, the table.

import type { Costs } from "../../api/types";
import { binWords, type Bin } from "../../state/charts";
import { busiest } from "../../state/chartsSeries";
import { stackTable } from "../../state/chartsTable";
import { daysStack, savedRows, totalsOf } from "../../state/costs";
import { costs as words } from "../../strings/costs";
import { wholePercent } from "../../time/words";
import type { Shown } from "../charts/ChartCard";
import { RowBars } from "../charts/RowBars";
import { StackedBars } from "../charts/StackedBars";

const TOP_SERVICES = 6;
const OTHERS_TONE = 6;
const DAY_HOURS = 24;

export function days({ site, known_until, is_over }: Costs, bins: Bin[], zone: string): Shown {
  const stack = site && daysStack(site, bins.length, TOP_SERVICES);
  if (!site || !stack || stack.total === 0) return { summary: words.days.empty };
  const names = stack.series.map(({ key }) => key ?? words.others);
  const dearest = busiest(stack.totals);
  const untilMs = known_until === null || is_over ? Infinity : Date.parse(known_until);
  const table = stackTable(stack, bins, zone, { ...words.table, names });
  const usdColumns = table.columns.map((_, column) => column).slice(3);
  return {
    summary: `${words.days.summary(site.by_day.length, words.usd(stack.total / site.by_day.length))} ${words.days.dearest(
      binWords(bins[dearest]!, DAY_HOURS, zone),
      words.usd(stack.totals[dearest]!),
    )}`,
    chart: (
      <StackedBars
        title={words.cards.days}
        whole={words.wholeMonth}
        bins={bins}
        hours={DAY_HOURS}
        zone={zone}
        stack={stack}
        names={names}
        tones={stack.series.map(({ key }, n) => (key === null ? OTHERS_TONE : n))}
        figure={words.amount}
        noteOf={(bin) => (bins[bin]!.toMs > untilMs ? words.notOver : null)}
      />
    ),
    table: {
      ...table,
      rows: table.rows.slice(0, lastDay(site.by_day)).map((row, n) => [binWords(bins[n]!, DAY_HOURS, zone), ...row.slice(1)]),
      written: Object.fromEntries(usdColumns.map((column) => [column, (usd: number) => words.amount(usd)])),
    },
    notes: [words.days.note],
  };
}

/** The days to come are no rows. */
function lastDay(by_day: NonNullable<Costs["site"]>["by_day"]): number {
  return Number(by_day.at(-1)?.day.slice(8) ?? 0);
}

export function services({ site }: Costs): Shown {
  const rows = site?.by_service.filter(({ month_usd }) => month_usd > 0) ?? [];
  const [first] = rows;
  if (!site || !first) return { summary: words.services.empty };
  return {
    summary: words.services.summary(first.service, words.usd(first.month_usd), wholePercent((100 * first.month_usd) / site.month_usd)),
    chart: (
      <RowBars
        tones={[0]}
        rows={rows.map(({ service, month_usd, today_usd }) => ({
          key: service,
          name: service,
          figures: words.services.figures(words.usd(month_usd), today_usd === null ? null : words.amount(today_usd)),
          ends: [month_usd],
        }))}
      />
    ),
    table: {
      columns: [words.services.service, words.services.today, words.services.month],
      rows: site.by_service.map(({ service, today_usd, month_usd }) => [service, today_usd ?? "", month_usd]),
      written: { 1: words.amount, 2: words.amount },
    },
  };
}

export function cameras(costs: Costs): Shown {
  const { imagesAnalysed, repeated } = totalsOf(costs);
  const { columns } = words.cameras;
  const money = [1, 2, 3, 4, 9];
  return {
    summary: imagesAnalysed
      ? words.cameras.summary(imagesAnalysed, repeated)
      : repeated
        ? words.cameras.counting(repeated)
        : words.cameras.empty,
    chart: (
      <RowBars
        tones={[0, 6]}
        keys={words.cameras.keys}
        rows={costs.cameras.map(({ camera_id, name, month_usd, own_usd, usd_per_alert }) => ({
          key: camera_id,
          name,
          figures: words.cameras.figures(words.usd(month_usd), usd_per_alert === null ? null : words.amount(usd_per_alert)),
          ends: [own_usd, month_usd],
        }))}
      />
    ),
    table: {
      columns: [
        columns.camera,
        columns.today,
        columns.month,
        columns.own,
        columns.forecast,
        columns.frames,
        columns.analysed,
        columns.billed,
        columns.alerts,
        columns.perAlert,
      ],
      rows: costs.cameras.map((camera) => [
        camera.name,
        camera.today_usd ?? "",
        camera.month_usd,
        camera.own_usd,
        camera.forecast_usd ?? "",
        camera.frames,
        camera.images_analysed,
        camera.images_billed,
        camera.alerts,
        camera.usd_per_alert ?? "",
      ]),
      written: Object.fromEntries(money.map((column) => [column, (usd: number) => words.amount(usd)])),
    },
  };
}

export function saved(costs: Costs): Shown {
  const rows = savedRows(costs.cameras);
  if (rows.length === 0) return { summary: words.saved.empty };
  const sum = (of: (row: (typeof rows)[number]) => number) => rows.reduce((total, row) => total + of(row), 0);
  const nameOf = ({ by }: (typeof rows)[number]) => words.saved.names[by] ?? by;
  return {
    summary: words.saved.summary(words.usd(sum(({ usd }) => usd)), sum(({ frames }) => frames)),
    chart: (
      <RowBars
        tones={[1]}
        rows={rows.map((row) => ({
          key: row.by,
          name: nameOf(row),
          figures: words.saved.figures(words.usd(row.usd), row.frames),
          ends: [row.usd],
        }))}
      />
    ),
    table: {
      columns: [words.saved.by, words.saved.frames, words.saved.usd],
      rows: rows.map((row) => [nameOf(row), row.frames, row.usd]),
      written: { 2: words.amount },
    },
    notes: [words.saved.note],
  };
}
