// What somebody does about alerts, from the press of a key to the API's answer. Outlives the view: an action that fails
// while its user looks elsewhere is there, with its reason, when they come back.

import { ApiProblem, isAbort } from "../api/client";
import type { Alert, Answered, AnswerKind } from "../api/types";

export type DeedKind = AnswerKind | "note";

export interface Deed {
  /** One of each kind for each alert. */
  key: string;
  kind: DeedKind;
  alert: Alert;
  minutes: number | null;
  text: string | null;
  phase: "sending" | "failed" | "done";
  /** Why it failed. */
  problem: ApiProblem | null;
  /** By the server's clock. */
  pressedMs: number;
  /** Of an answer that is done. */
  answered: Answered | null;
  /** The alert as the API has it since. */
  result: Alert | null;
}

export interface DeedsDeps {
  answer: (alert: Alert, kind: AnswerKind, minutes: number | null) => Promise<Answered>;
  note: (alert: Alert, text: string) => Promise<Alert>;
  serverNow: () => number;
}

/** Those that are done and older are forgotten; what is under way or has failed never is. */
const DONE_KEPT = 100;

export class Deeds {
  all: readonly Deed[] = [];

  private readonly listeners = new Set<() => void>();

  constructor(private readonly deps: DeedsDeps) {}

  /** Nothing where the same is under way already. */
  begin(alert: Alert, kind: DeedKind, { minutes = null, text = null }: { minutes?: number | null; text?: string | null } = {}): void {
    const key = `${kind} ${alert.alert_id}`;
    if (this.all.some((deed) => deed.key === key && deed.phase === "sending")) return;
    void this.send({
      key,
      kind,
      alert,
      minutes,
      text,
      phase: "sending",
      problem: null,
      pressedMs: this.deps.serverNow(),
      answered: null,
      result: null,
    });
  }

  retry(key: string): void {
    const deed = this.all.find((each) => each.key === key);
    if (deed?.phase === "failed") void this.send({ ...deed, phase: "sending", problem: null, pressedMs: this.deps.serverNow() });
  }

  dismiss(key: string): void {
    this.set(this.all.filter((deed) => deed.key !== key || deed.phase === "sending"));
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  private async send(deed: Deed): Promise<void> {
    this.put(deed);
    try {
      if (deed.kind === "note") {
        const result = await this.deps.note(deed.alert, deed.text ?? "");
        this.put({ ...deed, phase: "done", result });
      } else {
        const answered = await this.deps.answer(deed.alert, deed.kind, deed.minutes);
        this.put({ ...deed, phase: "done", answered, result: answered.alert });
      }
    } catch (error) {
      // An abort here is the page on its way to the sign-in: said as well, should it come back.
      const problem =
        error instanceof ApiProblem ? error : new ApiProblem("unreachable", isAbort(error) ? "Sign in again." : String(error));
      this.put({ ...deed, phase: "failed", problem });
    }
  }

  private put(deed: Deed): void {
    const others = this.all.filter(({ key }) => key !== deed.key);
    const done = others.filter(({ phase }) => phase === "done");
    const over = new Set(done.slice(0, Math.max(0, done.length + 1 - DONE_KEPT)));
    this.set([...others.filter((each) => !over.has(each)), deed]);
  }

  private set(all: readonly Deed[]): void {
    this.all = all;
    for (const listener of [...this.listeners]) listener();
  }
}

/** The newest thing done about this alert; what failed or is under way before what is done. */
export function deedOf(deeds: readonly Deed[], alertId: string): Deed | null {
  const own = deeds.filter(({ alert }) => alert.alert_id === alertId);
  const newest = (phase: Deed["phase"]) => own.filter((deed) => deed.phase === phase).at(-1);
  return newest("failed") ?? newest("sending") ?? newest("done") ?? null;
}

/** Who was first, where it was somebody else: by how much, in milliseconds, never below 0. null where you were. */
export function beatenBy({ answered, pressedMs }: Deed): { by: Answered["answer"]; aheadMs: number } | null {
  if (!answered || answered.answer.is_you) return null;
  return { by: answered.answer, aheadMs: Math.max(0, pressedMs - Date.parse(answered.answer.at)) };
}
