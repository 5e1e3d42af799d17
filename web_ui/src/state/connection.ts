// Whether the API answers, as the page as a whole sees it: every poll reports here, and the header shows the worst.

import type { ApiProblem } from "../api/client";

export interface Report {
  problem: ApiProblem | null;
  nextTryMs: number | null;
  lastOkMs: number | null;
  retry: () => void;
}

export interface ConnectionState {
  /** Where anything has a problem: the one that has waited longest for a good answer. */
  trouble: Report | null;
  /** How often the API came back. What failed meanwhile, pictures too, tries once more when it changes. */
  epoch: number;
}

export class ConnectionBoard {
  state: ConnectionState = { trouble: null, epoch: 0 };

  private readonly reports = new Map<symbol, Report>();
  private readonly listeners = new Set<() => void>();

  report(source: symbol, report: Report): void {
    this.reports.set(source, report);
    this.judge();
  }

  forget(source: symbol): void {
    if (this.reports.delete(source)) this.judge();
  }

  retryAll(): void {
    for (const { problem, retry } of [...this.reports.values()]) if (problem) retry();
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  private judge(): void {
    const bad = [...this.reports.values()].filter(({ problem }) => problem !== null);
    const trouble = bad.sort((a, b) => (a.lastOkMs ?? 0) - (b.lastOkMs ?? 0))[0] ?? null;
    const back = this.state.trouble !== null && trouble === null && this.reports.size > 0;
    if (trouble === this.state.trouble && !back) return;
    this.state = { trouble, epoch: this.state.epoch + Number(back) };
    for (const listener of [...this.listeners]) listener();
  }
}
