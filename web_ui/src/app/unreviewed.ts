import { useEffect, useState } from "preact/hooks";
import type { ApiClient } from "../api/client";
import type { Alert } from "../api/types";
import { Poll } from "../state/poll";
import {
  countUnreviewed,
  laterSeen,
  MAX_PAGES,
  newestDecided,
  NONE_UNREVIEWED,
  unreviewedQuery,
  type Unreviewed,
} from "../state/unreviewed";
import { useApp, type App } from "./context";

const POLL_MS = 10_000;
/** The first view's own questions go first. */
const FIRST_AFTER_MS = 1_500;
/** Every so many polls it is asked what was marked as seen, perhaps in another browser. */
const ME_EVERY_POLLS = 6;

/** How many alerts wait for this user, counted while the page is open. Says nothing of an API that is away: others do. */
export class UnreviewedBoard {
  unreviewed: Unreviewed = NONE_UNREVIEWED;

  private seenUntil: string | null;
  private newest: string | null = null;
  private polls = 0;
  private readonly poll: Poll<void>;
  private readonly listeners = new Set<() => void>();

  constructor(private readonly app: App) {
    this.seenUntil = app.me.seen_until ?? null;
    this.poll = new Poll({
      ask: (signal) => this.count(signal),
      everyMs: POLL_MS,
      serverNow: app.serverNow,
      onChange: () => undefined,
    });
  }

  /** Counts until what it returns is called. */
  run(): () => void {
    const onVisible = () => this.poll.setVisible(!document.hidden);
    onVisible();
    const timer = setTimeout(() => this.poll.start(), FIRST_AFTER_MS);
    document.addEventListener("visibilitychange", onVisible);
    return () => {
      clearTimeout(timer);
      this.poll.stop();
      document.removeEventListener("visibilitychange", onVisible);
    };
  }

  again(): void {
    this.poll.again();
  }

  /** Marks what was counted, and nothing that came later. Raises ApiProblem. */
  async markSeen(): Promise<void> {
    if (this.newest === null) await this.count();
    const until = this.newest;
    if (until === null) return;
    this.seenUntil = laterSeen(this.seenUntil, (await this.app.client.markSeen(until)) ?? until);
    this.set(NONE_UNREVIEWED);
    this.again();
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  private async count(signal?: AbortSignal): Promise<void> {
    const { client, serverNow } = this.app;
    if (this.polls > 0 && this.polls % ME_EVERY_POLLS === 0) {
      this.seenUntil = laterSeen(this.seenUntil, (await client.me(signal)).seen_until ?? null);
    }
    this.polls += 1;
    const query = unreviewedQuery(this.seenUntil, serverNow());
    const alerts: Alert[] = [];
    let cursor: string | null = null;
    for (let page = 0; page < MAX_PAGES; page += 1) {
      const answer: { alerts: Alert[]; next_cursor: string | null } = await client.alerts({ ...query, cursor }, signal);
      alerts.push(...answer.alerts);
      cursor = answer.next_cursor;
      if (cursor === null) break;
    }
    this.newest = laterSeen(this.newest, newestDecided(alerts));
    this.set(countUnreviewed(alerts, this.seenUntil, cursor !== null));
  }

  private set(unreviewed: Unreviewed): void {
    this.unreviewed = unreviewed;
    for (const listener of [...this.listeners]) listener();
  }
}

const boards = new WeakMap<ApiClient, UnreviewedBoard>();

export function useUnreviewedBoard(): UnreviewedBoard {
  const app = useApp();
  let board = boards.get(app.client);
  if (!board) boards.set(app.client, (board = new UnreviewedBoard(app)));
  return board;
}

export function useUnreviewed(): Unreviewed {
  const board = useUnreviewedBoard();
  const [unreviewed, setUnreviewed] = useState(board.unreviewed);
  useEffect(() => {
    setUnreviewed(board.unreviewed);
    return board.subscribe(() => setUnreviewed(board.unreviewed));
  }, [board]);
  return unreviewed;
}

/** As useUnreviewed, and keeps the count up to date. For the shell, once. */
export function useCounting(): Unreviewed {
  const board = useUnreviewedBoard();
  useEffect(() => board.run(), [board]);
  return useUnreviewed();
}
