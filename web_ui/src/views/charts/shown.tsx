// What each chart says of its answer: a summary in words, the drawing, the table.

import type { Latency, Stats } from "../../api/types";
import { linkTo } from "../../app/context";
import { binWords, PLANS, type Bin, type ChartsChoice } from "../../state/charts";
import {
  ALERT_SERIES,
  alertsStack,
  busiest,
  detectionsStack,
  framesStack,
  latencyRows,
  withheldByReason,
  type Series,
} from "../../state/chartsSeries";
import { stackTable } from "../../state/chartsTable";
import { rfc3339 } from "../../state/filters";
import { charts as words } from "../../strings/charts";
import { durationWords, wholePercent } from "../../time/words";
import { siteTimeAt } from "../../time/zone";
import type { Shown } from "./ChartCard";
import type { Listings } from "./data";
import { RowBars } from "./RowBars";
import { StackedBars } from "./StackedBars";

const TOP_LABELS = 5;
const OTHERS_TONE = 6;
/** Sent is the first tone in each chart; what failed has the densest pattern. */
const ALERT_TONES = [0, 2, 1, 5, 3];
const FRAME_TONES = [0, 1];

interface About<T> {
  choice: ChartsChoice;
  zone: string;
  bins: Bin[];
  value: T;
}

function momentWords(utcMs: number, zone: string): string {
  const at = siteTimeAt(utcMs, zone);
  return `${at.date}, ${at.timeToMinute} ${at.zone}`;
}

function tableWords(names: readonly string[]) {
  const { from, to, fromUtc, total } = words.stack;
  return { from, to, fromUtc, total, names };
}

function framesLink(camera: string | null) {
  return ({ fromMs, toMs }: Bin) => (
    <a class="link" {...linkTo("frames", { camera, from: rfc3339(fromMs), to: rfc3339(toMs) })}>
      {words.stack.frames}
    </a>
  );
}

function countingNote(stats: Stats, zone: string, bins: readonly Bin[]) {
  const untilMs = stats.counted_until === null ? null : Date.parse(stats.counted_until);
  return {
    ofBin: (bin: number) => (untilMs !== null && bins[bin]!.toMs > untilMs ? words.stack.counting : null),
    ofAll: untilMs === null ? words.stack.neverCounted : words.stack.countedUntil(momentWords(untilMs, zone)),
  };
}

export function detections({ choice, zone, bins, value: stats }: About<Stats>): Shown {
  const { span, camera } = choice;
  const { hours } = PLANS[span];
  const stack = detectionsStack(stats, bins, TOP_LABELS);
  const first = stack.series[0];
  if (!first) return { summary: words.detections.empty(span) };
  const names = stack.series.map(({ key }) => key ?? words.detections.others);
  const most = busiest(stack.totals);
  const counting = countingNote(stats, zone, bins);
  return {
    summary: `${words.detections.summary(stack.total, span, names[0]!, first.total)} ${words.detections.busiest(
      binWords(bins[most]!, hours, zone),
      stack.totals[most]!,
    )}`,
    chart: (
      <StackedBars
        title={words.titles.detections}
        whole={words.stack.wholeSpan(span)}
        bins={bins}
        hours={hours}
        zone={zone}
        stack={stack}
        names={names}
        tones={stack.series.map(({ key }, n) => (key === null ? OTHERS_TONE : n))}
        noteOf={counting.ofBin}
        linkOf={framesLink(camera)}
      />
    ),
    table: stackTable(stack, bins, zone, tableWords(names)),
    notes: [words.detections.note, counting.ofAll],
  };
}

export function frames({ choice, zone, bins, value: stats }: About<Stats>): Shown {
  const { span, camera } = choice;
  const { hours } = PLANS[span];
  const stack = framesStack(stats, bins);
  const [sent, gated] = stack.series as [Series, Series];
  if (stack.total === 0) return { summary: words.frames.empty(span) };
  const silent = Math.max(...stack.silent);
  const saysAnything = gated.total > 0 || silent === 0;
  const names = stack.series.map(({ key }) => words.frames.names[key!]!);
  const counting = countingNote(stats, zone, bins);
  const share = wholePercent((100 * gated.total) / stack.total);
  const tail = !saysAnything
    ? words.frames.gatedUnknown
    : silent > 0
      ? words.frames.gatedPartly(gated.total)
      : words.frames.gated(gated.total, share);
  const table = stackTable(stack, bins, zone, tableWords(names));
  return {
    summary: words.frames.summary(sent.total, span) + tail,
    chart: (
      <StackedBars
        title={words.titles.frames}
        whole={words.stack.wholeSpan(span)}
        bins={bins}
        hours={hours}
        zone={zone}
        stack={stack}
        names={names}
        tones={FRAME_TONES}
        unknown={{ bins: stack.unknown, series: 1, words: words.frames.unknownLegend }}
        noteOf={(bin) => (stack.silent[bin] ? words.frames.silent(stack.silent[bin]) : counting.ofBin(bin))}
        linkOf={framesLink(camera)}
      />
    ),
    table: {
      ...table,
      columns: [...table.columns, words.frames.silentColumn],
      rows: table.rows.map((row, n) => [
        // From, to, the instant, sent, gated, the total: of a bar where nobody says, the last two are not known.
        ...row.map((cell, column) => (column >= 4 && stack.unknown[n] ? null : cell)),
        stack.silent[n]!,
      ]),
    },
    notes: [counting.ofAll],
  };
}

export function alerts({ choice: { span }, zone, bins, value: { alerts: listed, withheld: held } }: About<Listings>): Shown {
  const { hours } = PLANS[span];
  const stack = alertsStack(listed.rows, held.rows, bins);
  if (stack.total === 0) return { summary: words.alerts.empty(span) };
  const names = ALERT_SERIES.map((key) => words.alerts.names[key]!);
  const totalOf = (wanted: string) => stack.series.find(({ key }) => key === wanted)!.total;
  const oldest = listed.rows.at(-1);
  return {
    summary: words.alerts.summary(stack.total - totalOf("withheld"), span, totalOf("sent"), totalOf("withheld")),
    chart: (
      <StackedBars
        title={words.titles.alerts}
        whole={words.stack.wholeSpan(span)}
        bins={bins}
        hours={hours}
        zone={zone}
        stack={stack}
        names={names}
        tones={ALERT_TONES}
        noteOf={() => null}
      />
    ),
    table: stackTable(stack, bins, zone, tableWords(names)),
    notes: [
      words.alerts.note,
      listed.cut && oldest ? words.alerts.cut(listed.rows.length, momentWords(Date.parse(oldest.captured_at), zone)) : null,
      withheldCut(held, zone),
    ],
  };
}

function withheldCut({ rows, cut }: Listings["withheld"], zone: string): string | null {
  const oldest = rows.at(-1);
  return cut && oldest ? words.withheld.cut(rows.length, momentWords(Date.parse(oldest.visit_from), zone)) : null;
}

export function withheld({ choice: { span }, zone, value: { withheld: held } }: About<Listings>): Shown {
  const reasons = withheldByReason(held.rows);
  if (reasons.length === 0) return { summary: words.withheld.empty(span) };
  const nameOf = (reason: string) => words.withheld.reasons[reason] ?? reason;
  return {
    summary: words.withheld.summary(nameOf(reasons[0]!.reason), span, reasons[0]!.visits),
    chart: (
      <RowBars
        tones={[0]}
        rows={reasons.map((row) => ({
          key: row.reason,
          name: nameOf(row.reason),
          figures: words.withheld.figures(row.visits, row.frames),
          ends: [row.visits],
        }))}
      />
    ),
    table: {
      columns: [words.withheld.reason, words.withheld.visits, words.withheld.frames],
      rows: reasons.map((row) => [nameOf(row.reason), row.visits, row.frames]),
    },
    notes: [words.withheld.note, withheldCut(held, zone)],
  };
}

function msWords(ms: number): string {
  if (ms < 1_000) return words.latency.ms(ms);
  return ms < 60_000 ? words.latency.seconds(ms / 1000) : durationWords(ms);
}

export function latency({ choice: { span }, zone, value }: About<Latency>): Shown {
  const rows = latencyRows(value);
  const whole = rows.at(-1);
  if (value.alerts === 0 || !whole) return { summary: words.latency.empty(span) };
  const nameOf = (stage: string) => words.latency.stages[stage] ?? stage;
  return {
    summary:
      whole.p50Ms === null || whole.p95Ms === null
        ? words.latency.untimed(value.alerts)
        : words.latency.summary(whole.count, msWords(whole.p50Ms), msWords(whole.p95Ms)),
    chart: (
      <RowBars
        tones={[0, 1]}
        rows={rows.map(({ stage, p50Ms, p95Ms }) => ({
          key: stage,
          name: nameOf(stage),
          figures: p50Ms === null || p95Ms === null ? words.latency.none : words.latency.figures(msWords(p50Ms), msWords(p95Ms)),
          ends: p50Ms === null || p95Ms === null ? [] : [p50Ms, p95Ms],
          strong: stage === whole.stage,
        }))}
        keys={[words.latency.p50, words.latency.p95]}
      />
    ),
    table: {
      columns: [words.latency.stage, words.latency.count, words.latency.p50Column, words.latency.p95Column],
      rows: rows.map(({ stage, count, p50Ms, p95Ms }) => [nameOf(stage), count, p50Ms, p95Ms]),
    },
    notes: [words.latency.note, value.cut_at === null ? null : words.latency.cut(momentWords(Date.parse(value.cut_at), zone))],
  };
}
