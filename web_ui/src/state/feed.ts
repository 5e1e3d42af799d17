// Keeps the frames, the cameras' freshness and the connection up to date.
//
// One loop, one request at a time: first page, then the newest page every POLL_MS, then the cameras that have gone quiet.
// It stops while the tab is hidden, backs off while the API is away, and starts over when the filters change.

import { ApiProblem, isAbort, type ApiClient, type FrameQuery } from "../api/client";
import type { Camera, Frame, FramesPage } from "../api/types";
import { backoffMs } from "./backoff";
import { NO_FILTERS, rangeStartMs, sameFilters, toQuery, type Filters } from "./filters";
import { EMPTY_FRAMES, framesReducer, FRAME_CAP, type FramesAction, type FramesState } from "./frames";

export const POLL_MS = 4_000;
export const PAGE_SIZE = 24;
/** Pages that one poll may follow back to what is already shown, after a pause. More, and the list starts over. */
const CATCH_UP_PAGES = 3;
/** A camera whose newest known frame is younger than this needs no question of its own. */
const CAMERA_FRESH_MS = 30_000;
/** Each quiet camera is asked about once in this many polls. */
const CAMERA_ROUND_POLLS = 4;
const SLOW_RETRY_MS = 30_000;

export type Connection =
  | { state: "connecting" }
  | { state: "ok" }
  | { state: "lost"; problem: ApiProblem; nextTryMs: number | null };

export interface CameraFreshness {
  /** Capture time of its newest known frame; null when it has none; undefined before the first answer. */
  newestMs: number | null | undefined;
}

export interface FeedState {
  filters: Filters;
  list: FramesState;
  connection: Connection;
  /** Server time of the last good answer for the list. */
  lastOkMs: number | null;
  freshness: ReadonlyMap<string, CameraFreshness>;
  paused: boolean;
}

export interface FeedDeps {
  client: ApiClient;
  cameras: readonly Camera[];
  /** True while new frames must not move the page. */
  isHeld: () => boolean;
  onChange: (state: FeedState) => void;
  random?: () => number;
}

export class Feed {
  state: FeedState = {
    filters: NO_FILTERS,
    list: EMPTY_FRAMES,
    connection: { state: "connecting" },
    lastOkMs: null,
    freshness: new Map(),
    paused: false,
  };

  private readonly checkedAtPoll = new Map<string, number>();
  private polls = 0;
  private failures = 0;
  private visible = true;
  private running = false;
  /** What "the last hour" is counted from. Fixed per set of filters: a cursor belongs to one exact query. */
  private queryNowMs = 0;
  private renewals: Promise<unknown> = Promise.resolve();
  private timer: ReturnType<typeof setTimeout> | null = null;
  private listAbort = new AbortController();
  private moreAbort = new AbortController();

  constructor(private readonly deps: FeedDeps) {}

  start(filters: Filters): void {
    this.queryNowMs = this.deps.client.serverNow();
    this.patch({ filters });
    this.running = true;
    this.restartLoop();
  }

  stop(): void {
    this.running = false;
    this.cancel();
    this.moreAbort.abort();
  }

  setFilters(filters: Filters): void {
    if (sameFilters(filters, this.state.filters)) return;
    this.cancel();
    this.moreAbort.abort();
    this.failures = 0;
    this.queryNowMs = this.deps.client.serverNow();
    this.patch({ filters, list: EMPTY_FRAMES, lastOkMs: null });
    this.restartLoop();
  }

  setVisible(visible: boolean): void {
    if (visible === this.visible) return;
    this.visible = visible;
    if (visible) this.restartLoop();
    else this.cancel();
  }

  setPaused(paused: boolean): void {
    this.patch({ paused });
    if (!paused && !this.deps.isHeld()) this.release();
  }

  retryNow(): void {
    if (this.state.list.phase === "failed") this.dispatch({ type: "reset" });
    this.restartLoop();
  }

  /** Shows the frames that were held back. */
  release(): void {
    this.dispatch({ type: "release" });
  }

  async loadMore(): Promise<void> {
    const { list, filters } = this.state;
    if (list.phase !== "ready" || list.more === "loading" || list.tail.kind === "end" || list.frames.length >= FRAME_CAP) return;
    const tail = list.tail;
    this.moreAbort = new AbortController();
    const { signal } = this.moreAbort;
    this.dispatch({ type: "moreStarted" });
    try {
      const query = this.query(filters);
      const page = await this.deps.client.frames(
        { ...query, to: tail.to ?? query.to ?? null, cursor: tail.kind === "cursor" ? tail.cursor : null },
        signal,
      );
      if (signal.aborted) return;
      if (this.state.list.tail === tail) this.dispatch({ type: "more", page });
      else this.dispatch({ type: "moreDropped" });
    } catch (error) {
      if (isAbort(error)) return;
      this.dispatch({ type: "moreFailed", refused: error instanceof ApiProblem && error.kind === "refused" });
    }
  }

  /** The frame with an address that works again, also put in the list; null when it is no longer kept. Raises ApiProblem. */
  renew(frame: Frame): Promise<Frame | null> {
    // One at a time: a page that wakes up with every address expired must not ask for all at once.
    const answer = this.renewals.then(async () => {
      const renewed = await this.deps.client.renew(frame);
      if (renewed) this.dispatch({ type: "renewed", frame: renewed });
      return renewed;
    });
    this.renewals = answer.catch(() => undefined);
    return answer;
  }

  // -- the loop

  private restartLoop(): void {
    this.cancel();
    if (!this.running || !this.visible) return;
    this.listAbort = new AbortController();
    void this.cycle(this.listAbort.signal);
  }

  private cancel(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    this.listAbort.abort();
  }

  private async cycle(signal: AbortSignal): Promise<void> {
    let waitMs = POLL_MS;
    try {
      if (this.state.connection.state === "lost") this.patch({ connection: { ...this.state.connection, nextTryMs: null } });
      await this.refreshList(signal);
      this.patch({ connection: { state: "ok" }, lastOkMs: this.deps.client.serverNow() });
      await this.checkCameras(signal);
      this.failures = 0;
      this.polls += 1;
    } catch (error) {
      if (signal.aborted || isAbort(error)) return;
      waitMs = this.failed(error);
    }
    if (signal.aborted) return;
    this.timer = setTimeout(() => void this.cycle(signal), waitMs);
  }

  private failed(error: unknown): number {
    const problem = error instanceof ApiProblem ? error : new ApiProblem("failing", String(error));
    this.failures += 1;
    const waitMs =
      problem.kind === "refused" ? SLOW_RETRY_MS : backoffMs(this.failures, this.deps.random ?? Math.random, problem.retryAfterMs);
    this.patch({ connection: { state: "lost", problem, nextTryMs: Date.now() + waitMs } });
    // A refusal belongs to these filters: say it where the frames would be.
    if (problem.kind === "refused" && this.state.list.phase !== "ready") this.dispatch({ type: "refused", message: problem.message });
    return waitMs;
  }

  private async refreshList(signal: AbortSignal): Promise<void> {
    const { client } = this.deps;
    const { filters, list } = this.state;
    const query = this.query(filters);
    if (list.phase !== "ready") {
      const page = await client.frames(query, signal);
      this.learn(page.frames);
      this.dispatch({ type: "first", page });
      return;
    }
    const { frames, gap, nextCursor } = await this.newestPages(query, signal);
    this.learn(frames);
    this.dispatch({
      type: "live",
      frames,
      gap,
      nextCursor,
      hold: this.state.paused || this.deps.isHeld(),
      keepFromMs: filters.range.kind === "last" ? rangeStartMs(filters.range, client.serverNow()) : null,
    });
  }

  /**
   * Newest pages down to the first frame already known. `gap` when that was not reached: what was found then stands alone,
   * with nextCursor after it. A page may be empty and still have a next one; finding nothing at all is no gap.
   */
  private async newestPages(query: FrameQuery, signal: AbortSignal): Promise<{ frames: Frame[]; gap: boolean; nextCursor: string | null }> {
    const { frames: shown, pending } = this.state.list;
    const known = new Set([...shown, ...pending].map((frame) => frame.frame_id));
    const frames: Frame[] = [];
    let cursor: string | null = null;
    for (let page = 0; page < CATCH_UP_PAGES; page += 1) {
      const answer: FramesPage = await this.deps.client.frames({ ...query, cursor }, signal);
      frames.push(...answer.frames);
      cursor = answer.next_cursor;
      const reached = known.size === 0 || cursor === null || answer.frames.some((frame) => known.has(frame.frame_id));
      if (reached) return { frames, gap: known.size === 0 && frames.length > 0, nextCursor: cursor };
    }
    return { frames, gap: frames.length > 0, nextCursor: cursor };
  }

  /**
   * Asks quiet cameras for their newest frame of all, whatever the filters: a filtered list, or a busy camera beside a dead
   * one, says nothing about whether pictures still arrive.
   */
  private async checkCameras(signal: AbortSignal): Promise<void> {
    const { client } = this.deps;
    const cameras = camerasInView(this.deps.cameras, this.state.filters.camera);
    const nowMs = client.serverNow();
    const quiet = cameras.filter(({ camera_id }) => {
      const newestMs = this.state.freshness.get(camera_id)?.newestMs;
      return newestMs == null || nowMs - newestMs > CAMERA_FRESH_MS;
    });
    const firstRound = quiet.some(({ camera_id }) => !this.checkedAtPoll.has(camera_id));
    const budget = firstRound ? quiet.length : Math.ceil(cameras.length / CAMERA_ROUND_POLLS);
    const turn = (id: string) =>
      id === this.state.filters.camera ? Number.NEGATIVE_INFINITY : (this.checkedAtPoll.get(id) ?? Number.NEGATIVE_INFINITY);
    const due = quiet.sort((a, b) => turn(a.camera_id) - turn(b.camera_id)).slice(0, budget);
    for (const { camera_id } of due) {
      let page = await client.frames({ camera: camera_id, limit: 1 }, signal);
      for (let more = 1; more < CATCH_UP_PAGES && !page.frames.length && page.next_cursor; more += 1) {
        page = await client.frames({ camera: camera_id, limit: 1, cursor: page.next_cursor }, signal);
      }
      this.checkedAtPoll.set(camera_id, this.polls);
      this.learn(page.frames, page.next_cursor ? undefined : camera_id);
    }
  }

  private learn(frames: readonly Frame[], emptyCamera?: string): void {
    const freshness = new Map(this.state.freshness);
    if (emptyCamera && freshness.get(emptyCamera)?.newestMs == null) freshness.set(emptyCamera, { newestMs: null });
    for (const { camera_id, captured_at } of frames) {
      const capturedMs = Date.parse(captured_at);
      const newestMs = freshness.get(camera_id)?.newestMs ?? Number.NEGATIVE_INFINITY;
      if (capturedMs > newestMs) freshness.set(camera_id, { newestMs: capturedMs });
    }
    this.patch({ freshness });
  }

  private query(filters: Filters): FrameQuery {
    return { ...toQuery(filters, this.queryNowMs), limit: PAGE_SIZE };
  }

  private dispatch(action: FramesAction): void {
    const list = framesReducer(this.state.list, action);
    if (list !== this.state.list) this.patch({ list });
  }

  private patch(change: Partial<FeedState>): void {
    this.state = { ...this.state, ...change };
    this.deps.onChange(this.state);
  }
}

/** The site's cameras, and the one asked for even where the site file does not know it (any more). */
export function camerasInView(cameras: readonly Camera[], asked: string | null): readonly Camera[] {
  if (!asked || cameras.some(({ camera_id }) => camera_id === asked)) return cameras;
  return [...cameras, { camera_id: asked, name: asked, group: null, zones: [] }];
}

/** What the header says about how fresh the pictures are, from the cameras in view. */
export interface FreshnessSummary {
  /** Newest of all in view; null when there is none; undefined before every answer is in. */
  newestMs: number | null | undefined;
  staleCameraIds: string[];
}

export const STALE_AFTER_MS = 60_000;

export function summarise(state: FeedState, cameras: readonly Camera[], nowMs: number): FreshnessSummary {
  const inView = state.filters.camera ? [state.filters.camera] : cameras.map(({ camera_id }) => camera_id);
  const known = inView.map((id) => [id, state.freshness.get(id)?.newestMs] as const);
  const times = known.map(([, ms]) => ms).filter((ms): ms is number => typeof ms === "number");
  return {
    newestMs: times.length ? Math.max(...times) : known.every(([, ms]) => ms === null) ? null : undefined,
    staleCameraIds: known.filter(([, ms]) => typeof ms === "number" && nowMs - ms > STALE_AFTER_MS).map(([id]) => id),
  };
}

