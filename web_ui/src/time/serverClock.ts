/** A difference smaller than this is the Date header's own rounding and the way there. */
const CLOCK_SKEW_IGNORED_MS = 3_000;

/** The server's clock, learned from its answers: an operator's wrong clock must not make old pictures look fresh. */
export class ServerClock {
  /** Server clock minus this browser's clock; 0 until an answer says otherwise. */
  offsetMs = 0;

  constructor(private readonly browserNow: () => number = Date.now) {}

  now(): number {
    return this.browserNow() + this.offsetMs;
  }

  learn(headers: Headers): void {
    const dateMs = Date.parse(headers.get("date") ?? "");
    if (Number.isNaN(dateMs)) return;
    // A cached answer carries the Date of its making and its Age since.
    const ageMs = Number(headers.get("age") ?? 0) * 1000 || 0;
    const offsetMs = dateMs + ageMs - this.browserNow();
    this.offsetMs = Math.abs(offsetMs) < CLOCK_SKEW_IGNORED_MS ? 0 : offsetMs;
  }
}
