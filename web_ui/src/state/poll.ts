// Asks one thing again and again: one request at a time, in a visible tab, waiting longer after each failure.

import { ApiProblem, isAbort } from "../api/client";
import { backoffMs } from "./backoff";

const SLOW_RETRY_MS = 30_000;

export interface PollState<T> {
  /** The newest good answer; null before the first. */
  data: T | null;
  /** Why the newest question has no answer; null when it has, or before the first. */
  problem: ApiProblem | null;
  /** By the browser's clock; null while a question is under way. */
  nextTryMs: number | null;
  /** By the server's clock: when data came. */
  lastOkMs: number | null;
}

export interface PollDeps<T> {
  ask: (signal: AbortSignal) => Promise<T>;
  everyMs: number;
  serverNow: () => number;
  onChange: (state: PollState<T>) => void;
  random?: () => number;
}

export class Poll<T> {
  state: PollState<T> = { data: null, problem: null, nextTryMs: null, lastOkMs: null };

  private running = false;
  private visible = true;
  private failures = 0;
  private timer: ReturnType<typeof setTimeout> | null = null;
  private abort = new AbortController();

  constructor(private readonly deps: PollDeps<T>) {}

  start(): void {
    this.running = true;
    this.again();
  }

  stop(): void {
    this.running = false;
    this.cancel();
  }

  setVisible(visible: boolean): void {
    if (visible === this.visible) return;
    this.visible = visible;
    if (visible) this.again();
    else this.cancel();
  }

  /** Asks now, whatever was under way. */
  again(): void {
    this.cancel();
    if (!this.running || !this.visible) return;
    this.abort = new AbortController();
    void this.cycle(this.abort.signal);
  }

  private cancel(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    this.abort.abort();
  }

  private async cycle(signal: AbortSignal): Promise<void> {
    let waitMs = this.deps.everyMs;
    try {
      if (this.state.problem) this.patch({ nextTryMs: null });
      const data = await this.deps.ask(signal);
      if (signal.aborted) return;
      this.failures = 0;
      this.patch({ data, problem: null, nextTryMs: null, lastOkMs: this.deps.serverNow() });
    } catch (error) {
      if (signal.aborted || isAbort(error)) return;
      const problem = error instanceof ApiProblem ? error : new ApiProblem("failing", String(error));
      this.failures += 1;
      waitMs =
        problem.kind === "refused"
          ? SLOW_RETRY_MS
          : backoffMs(this.failures, this.deps.random ?? Math.random, problem.retryAfterMs);
      this.patch({ problem, nextTryMs: Date.now() + waitMs });
    }
    this.timer = setTimeout(() => void this.cycle(signal), waitMs);
  }

  private patch(change: Partial<PollState<T>>): void {
    this.state = { ...this.state, ...change };
    this.deps.onChange(this.state);
  }
}
