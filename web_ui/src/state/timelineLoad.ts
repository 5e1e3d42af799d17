// Reads what a window of the timeline shows, newest first, up to a bound that is said; then keeps its newest part fresh.

import type { ApiClient } from "../api/client";
import type { Alert, Visit } from "../api/types";
import { rfc3339 } from "./filters";
import { DAY_MS } from "./timelineWindow";

/** Visits and alerts together. */
export const MAX_ITEMS = 2_000;
const PAGE = 100;
/** A page may be short or empty and still have a next one. */
const MAX_REQUESTS_PER_KIND = 40;
const MAX_REFRESH_PAGES = 3;
/** The API finds visits by their beginning: those that reach into a window are looked for among the newest page before it. */
const REACHES_IN_MS = 2 * DAY_MS;

export interface TimelineAsk {
  fromMs: number;
  /** null: until now, and whatever comes. */
  toMs: number | null;
  cameras: readonly string[];
  label: string | null;
}

export interface TimelineData {
  visits: ReadonlyMap<string, Visit>;
  alerts: ReadonlyMap<string, Alert>;
  /** There was more than the bound: what is older than this was not read. null: all of the window is there. */
  completeFromMs: number | null;
}

export const NOTHING_READ: TimelineData = { visits: new Map(), alerts: new Map(), completeFromMs: null };

type Reader = Pick<ApiClient, "visits" | "alerts">;

interface Page<T> {
  rows: T[];
  next: string | null;
}

function readers(client: Reader, ask: TimelineAsk, signal: AbortSignal) {
  const query = {
    from: rfc3339(ask.fromMs),
    to: ask.toMs === null ? null : rfc3339(ask.toMs),
    camera: ask.cameras,
    label: ask.label,
    limit: PAGE,
  };
  return {
    visits: async (cursor: string | null, span = {}): Promise<Page<Visit>> => {
      const page = await client.visits({ ...query, ...span, cursor }, signal);
      return { rows: page.visits, next: page.next_cursor };
    },
    alerts: async (cursor: string | null): Promise<Page<Alert>> => {
      const page = await client.alerts({ ...query, cursor }, signal);
      return { rows: page.alerts, next: page.next_cursor };
    },
  };
}

/** onPart: what there is after each page. Raises ApiProblem. */
export async function loadAll(
  client: Reader,
  ask: TimelineAsk,
  signal: AbortSignal,
  onPart: (part: TimelineData) => void,
): Promise<TimelineData> {
  const read = readers(client, ask, signal);
  const visits = new Map<string, Visit>();
  const alerts = new Map<string, Alert>();
  let completeFromMs: number | null = null;
  const soFar = (): TimelineData => ({ visits: new Map(visits), alerts: new Map(alerts), completeFromMs });

  async function all<T>(pageOf: (cursor: string | null) => Promise<Page<T>>, keep: (row: T) => void, timeOf: (row: T) => number) {
    let cursor: string | null = null;
    let oldestMs = ask.toMs ?? Number.POSITIVE_INFINITY;
    for (let requests = 0; requests < MAX_REQUESTS_PER_KIND; requests += 1) {
      const page: Page<T> = await pageOf(cursor);
      if (signal.aborted) return;
      for (const row of page.rows) {
        keep(row);
        oldestMs = timeOf(row);
      }
      cursor = page.next;
      onPart(soFar());
      if (cursor === null) return;
      if (visits.size + alerts.size >= MAX_ITEMS) break;
    }
    completeFromMs = Math.max(completeFromMs ?? ask.fromMs, oldestMs);
  }

  const reachingIn = async () => {
    const span = { from: rfc3339(ask.fromMs - REACHES_IN_MS), to: rfc3339(ask.fromMs) };
    const { rows } = await read.visits(null, span);
    for (const visit of rows) if (visit.open || Date.parse(visit.last_seen) >= ask.fromMs) visits.set(visit.visit_id, visit);
  };
  await Promise.all([
    all(read.visits, (visit) => visits.set(visit.visit_id, visit), ({ first_seen }) => Date.parse(first_seen)),
    all(read.alerts, (alert) => alerts.set(alert.alert_id, alert), ({ captured_at }) => Date.parse(captured_at)),
    reachingIn(),
  ]);
  return soFar();
}

/** What changed since: the newest pages, back to what is known and to the oldest visit that is still open. null: too much is new, load all. */
export async function refreshed(
  client: Reader,
  ask: TimelineAsk,
  known: TimelineData,
  signal: AbortSignal,
): Promise<TimelineData | null> {
  const read = readers(client, ask, signal);
  const visits = new Map(known.visits);
  const alerts = new Map(known.alerts);

  async function newest<T>(
    pageOf: (cursor: string | null) => Promise<Page<T>>,
    isKnown: (row: T) => boolean,
    timeOf: (row: T) => number,
    backToMs: number,
    keep: (row: T) => void,
  ): Promise<boolean> {
    let cursor: string | null = null;
    let met = false;
    for (let pages = 0; pages < MAX_REFRESH_PAGES; pages += 1) {
      const page: Page<T> = await pageOf(cursor);
      met ||= page.rows.some(isKnown);
      page.rows.forEach(keep);
      const last = page.rows[page.rows.length - 1];
      cursor = page.next;
      if (cursor === null || (met && last !== undefined && timeOf(last) <= backToMs)) return true;
    }
    return false;
  }

  const open = [...known.visits.values()].filter((visit) => visit.open && Date.parse(visit.first_seen) >= ask.fromMs);
  const oldestOpenMs = Math.min(Number.POSITIVE_INFINITY, ...open.map(({ first_seen }) => Date.parse(first_seen)));
  const [visitsMet, alertsMet] = await Promise.all([
    newest(
      read.visits,
      ({ visit_id }) => known.visits.has(visit_id),
      ({ first_seen }) => Date.parse(first_seen),
      oldestOpenMs,
      (visit) => visits.set(visit.visit_id, visit),
    ),
    newest(
      read.alerts,
      ({ alert_id }) => known.alerts.has(alert_id),
      ({ captured_at }) => Date.parse(captured_at),
      Number.POSITIVE_INFINITY,
      (alert) => alerts.set(alert.alert_id, alert),
    ),
  ]);
  return visitsMet && alertsMet ? bounded({ visits, alerts, completeFromMs: known.completeFromMs }) : null;
}

/** A page that stays open all shift keeps no more than one that was just opened: the oldest go. */
function bounded(data: TimelineData): TimelineData {
  const over = data.visits.size + data.alerts.size - MAX_ITEMS - PAGE;
  if (over <= 0) return data;
  const times = [
    ...[...data.visits.values()].map(({ first_seen }) => Date.parse(first_seen)),
    ...[...data.alerts.values()].map(({ captured_at }) => Date.parse(captured_at)),
  ].sort((a, b) => a - b);
  const completeFromMs = Math.max(times[over + PAGE] ?? 0, data.completeFromMs ?? 0);
  return {
    visits: new Map([...data.visits].filter(([, { first_seen }]) => Date.parse(first_seen) >= completeFromMs)),
    alerts: new Map([...data.alerts].filter(([, { captured_at }]) => Date.parse(captured_at) >= completeFromMs)),
    completeFromMs,
  };
}

/** While another window is read, what is known of it stays to be seen. */
export function joined(before: TimelineData, part: TimelineData): TimelineData {
  return {
    visits: new Map([...before.visits, ...part.visits]),
    alerts: new Map([...before.alerts, ...part.alerts]),
    completeFromMs: part.completeFromMs,
  };
}
