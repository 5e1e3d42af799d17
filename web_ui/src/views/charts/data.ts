import { ApiProblem } from "../../api/client";
import type { Alert, Latency, Stats, Withheld } from "../../api/types";
import { useApp, usePoll } from "../../app/context";
import { gather, HOUR_MS, newestBins, PLANS, type Bin, type ChartsChoice } from "../../state/charts";
import { rfc3339 } from "../../state/filters";

const COUNTS_EVERY_MS = 60_000;
/** Up to twenty requests. */
const LISTINGS_EVERY_MS = 300_000;
/** A step of the API's that is the site's day, whatever its length. */
const DAY_S = 86_400;
const PAGE = 100;
const MAX_PAGES = 10;

/** A poll's newest answer with what it was asked for; value null: this API has no such route. */
export interface Answer<T> {
  bins: Bin[];
  value: T | null;
}

export interface Listing<Row> {
  rows: Row[];
  /** There are older ones that were not read. */
  cut: boolean;
}

export interface Listings {
  alerts: Listing<Alert>;
  withheld: Listing<Withheld>;
}

export function useChartsData({ span, camera }: ChartsChoice) {
  const { client, zone, serverNow } = useApp();
  const key = `${span} ${camera ?? ""}`;
  const plan = PLANS[span];

  async function about<T>(ask: (asked: { from: string; to: string; camera: string | null }) => Promise<T>): Promise<Answer<T>> {
    const nowMs = serverNow();
    const bins = newestBins(plan, nowMs, zone);
    const from = rfc3339(bins[0]!.fromMs);
    // To the end of the hour under way, not of the day: no longer a span than what can hold anything.
    const to = rfc3339(Math.floor(nowMs / HOUR_MS) * HOUR_MS + HOUR_MS);
    try {
      return { bins, value: await ask({ from, to, camera }) };
    } catch (error) {
      if (error instanceof ApiProblem && error.status === 404) return { bins, value: null };
      throw error;
    }
  }

  const stats = usePoll<Answer<Stats>>(`stats ${key}`, COUNTS_EVERY_MS, (signal) =>
    about((asked) => client.stats({ ...asked, step: plan.hours === 24 ? DAY_S : HOUR_MS / 1000 }, signal)),
  );
  const latency = usePoll<Answer<Latency>>(`latency ${key}`, COUNTS_EVERY_MS, (signal) =>
    about((asked) => client.latency(asked, signal)),
  );
  const listings = usePoll<Answer<Listings>>(`alerts ${key}`, LISTINGS_EVERY_MS, (signal) =>
    about(async (asked) => {
      const [alerts, withheld] = await Promise.all([
        gather(async (cursor) => {
          const page = await client.alerts({ ...asked, limit: PAGE, cursor }, signal);
          return { rows: page.alerts, next: page.next_cursor };
        }, MAX_PAGES),
        gather(async (cursor) => {
          const page = await client.withheld({ ...asked, limit: PAGE, cursor }, signal);
          return { rows: page.withheld, next: page.next_cursor };
        }, MAX_PAGES),
      ]);
      return { alerts, withheld };
    }),
  );
  return { stats, latency, listings };
}
