// Who is signed in, in this tab, and the access token that the API is asked with.
//
// Nobody signed in: off to the provider at once. An access token is renewed by whoever asks for it, shortly before it runs out and
// once for all callers; there is no timer, so a tab that is hidden or asleep asks for nothing and renews when it wakes.

import { gaveUp, type Authority } from "../api/client";
import { backoffMs } from "../state/backoff";
import type { Answer } from "./answer";
import { SignInRefused, type Grant, type Provider } from "./provider";
import type { Remembered, TabMemory, Tokens } from "./tabMemory";

/** A token this close to its end is renewed in the background; a short-lived one in the second half of its life. */
const RENEW_AHEAD_MS = 5 * 60_000;
/** Closer than this it may run out on the way: callers wait for the next one; of a short-lived one, in its last tenth. */
const TOO_LATE_MS = 10_000;
/** Redirects by itself, without the API having accepted a token in between, after which the page stops and says so. */
const MAX_REDIRECTS = 2;
const REDIRECTS_FORGOTTEN_MS = 5 * 60_000;

export type StopReason =
  /** The person said no, or the provider said no to the person. */
  | "cancelled"
  | "failed"
  /** Came back from the provider's page without having signed in. */
  | "unfinished"
  /** An answer to a question that this tab never asked. */
  | "unasked"
  /** Signs in and is refused again and again. */
  | "looping"
  | "signedOut"
  /** config.json names addresses that this page does not go to. */
  | "misconfigured"
  /** The browser lets this page remember nothing. */
  | "noStorage";

export type SessionState =
  | { kind: "signingIn" }
  | { kind: "signedIn"; who: string }
  /** Signed in, and in none of the groups that may see this site. */
  | { kind: "forbidden"; who: string }
  | { kind: "signingOut" }
  | { kind: "stopped"; why: StopReason; detail: string | null };

/** Tells the other tabs of this browser that the person has signed out. */
export type SignOutChannel = Pick<BroadcastChannel, "postMessage" | "onmessage">;

export interface SessionDeps {
  provider: Provider;
  memory: TabMemory;
  otherTabs: SignOutChannel;
  onChange: (state: SessionState) => void;
  navigate: (url: string) => void;
  /** Path, query and fragment of the view on the screen. */
  here: () => string;
  wallMs?: () => number;
  /** Counts on when somebody sets the clock, but stands still while some computers sleep. */
  monotonicMs?: () => number;
  random?: () => number;
}

export class Session implements Authority {
  state: SessionState = { kind: "signingIn" };

  private tokens: Tokens | null = null;
  /** When the tokens came, by the monotonic clock; null when an earlier load of the page received them. */
  private receivedMonotonicMs: number | null = null;
  private renewal: Promise<Tokens> | null = null;
  private renewalFailures = 0;
  private nextQuietRenewalMs = Number.NEGATIVE_INFINITY;
  private accepted = false;
  /** The browser was told to go to the provider and is on its way. */
  private leaving = false;

  private readonly wallMs: () => number;
  private readonly monotonicMs: () => number;

  constructor(private readonly deps: SessionDeps) {
    this.wallMs = deps.wallMs ?? Date.now;
    this.monotonicMs = deps.monotonicMs ?? (() => performance.now());
    deps.otherTabs.onmessage = () => {
      if (this.tokens) this.end({ kind: "stopped", why: "signedOut", detail: null }, {});
    };
  }

  /** `cameBack`: by the browser's Back button, so that leaving again at once would trap the person. */
  async open(answer: Answer | null, cameBack: boolean): Promise<void> {
    let remembered: Remembered;
    try {
      remembered = this.deps.memory.read();
    } catch {
      return this.stop("noStorage");
    }
    if (answer?.attempt) return this.redeem(answer);
    if (remembered.tokens) {
      // Also with an answer that nobody asked for: it must not change who is signed in.
      this.tokens = remembered.tokens;
      return this.change({ kind: "signedIn", who: this.tokens.who });
    }
    if (answer) return this.stop("unasked");
    if (remembered.signedOut) {
      this.remember({ signedOut: undefined });
      return this.stop("signedOut");
    }
    if (cameBack && remembered.attempt) return this.stop("unfinished");
    return this.leaveForSignIn();
  }

  /** The page came out of the browser's back/forward cache as it was; what it was about may be over. */
  restored(): void {
    if (this.state.kind === "stopped" || this.state.kind === "forbidden") return;
    this.leaving = false;
    this.tokens = null;
    void this.open(null, true);
  }

  /** Somebody pressed the button: whatever went before, this is no loop. */
  async signIn(): Promise<void> {
    await this.leaveForSignIn([]);
  }

  /** Ends the session in every tab of this browser, and at the provider. */
  signOut(): void {
    this.deps.otherTabs.postMessage("signed out");
    this.end({ kind: "signingOut" }, { signedOut: true });
    this.deps.navigate(this.deps.provider.logoutUrl());
  }

  /** Somebody was put in a group and tries again: the groups come with the token. */
  async retry(): Promise<void> {
    const { tokens } = this;
    if (!tokens) return;
    await this.renew(tokens).catch(() => undefined); // the API is asked in any case; what is wrong is said there
    if (this.state.kind === "forbidden") this.change({ kind: "signedIn", who: this.tokens?.who ?? tokens.who });
  }

  // -- what the API client asks for

  async token(): Promise<string> {
    const { tokens } = this;
    if (!tokens) throw gaveUp();
    const leftMs = this.leftMs(tokens);
    if (leftMs <= Math.min(TOO_LATE_MS, tokens.lifetimeMs / 10)) return (await this.renew(tokens)).accessToken;
    if (leftMs <= Math.min(RENEW_AHEAD_MS, tokens.lifetimeMs / 2) && this.monotonicMs() >= this.nextQuietRenewalMs) {
      this.renew(tokens).catch(() => undefined); // this one still works
    }
    return tokens.accessToken;
  }

  async tokenInsteadOf(refused: string): Promise<string> {
    const { tokens } = this;
    if (!tokens) throw gaveUp();
    return tokens.accessToken === refused ? (await this.renew(tokens)).accessToken : tokens.accessToken;
  }

  onAccepted(): void {
    if (this.accepted) return;
    this.accepted = true;
    this.remember({ redirectsAtMs: undefined });
  }

  onRefused(): void {
    if (this.tokens) void this.leaveForSignIn();
  }

  onForbidden(): void {
    if (this.tokens) this.change({ kind: "forbidden", who: this.tokens.who });
  }

  // -- tokens

  /** By whichever clock says that more time has passed: one may have been set back, the other may have slept. */
  private leftMs(tokens: Tokens): number {
    const byWallMs = this.wallMs() - tokens.receivedAtMs;
    const byMonotonicMs = this.receivedMonotonicMs === null ? null : this.monotonicMs() - this.receivedMonotonicMs;
    // Received in the future, and nothing else to go by.
    if (byWallMs < 0 && byMonotonicMs === null) return Number.NEGATIVE_INFINITY;
    return tokens.lifetimeMs - Math.max(byWallMs, byMonotonicMs ?? 0);
  }

  /** One renewal at a time, for all who ask. Raises ApiProblem, or AbortError when the person has to sign in again. */
  private renew(current: Tokens): Promise<Tokens> {
    this.renewal ??= this.askForRenewal(current).finally(() => {
      this.renewal = null;
    });
    return this.renewal;
  }

  private async askForRenewal(current: Tokens): Promise<Tokens> {
    try {
      if (current.refreshToken === null) throw new SignInRefused("no_refresh_token");
      const grant = await this.deps.provider.refresh(current.refreshToken);
      if (this.tokens !== current) throw gaveUp(); // signed out while the answer was on its way
      this.renewalFailures = 0;
      return this.keep(grant, current);
    } catch (error) {
      if (error instanceof SignInRefused && this.tokens === current) {
        void this.leaveForSignIn();
        throw gaveUp();
      }
      this.renewalFailures += 1;
      this.nextQuietRenewalMs = this.monotonicMs() + backoffMs(this.renewalFailures, this.deps.random ?? Math.random);
      throw error;
    }
  }

  private keep(grant: Grant, before: Tokens | null): Tokens {
    this.tokens = {
      accessToken: grant.accessToken,
      refreshToken: grant.refreshToken ?? before?.refreshToken ?? null,
      lifetimeMs: grant.lifetimeMs,
      receivedAtMs: this.wallMs(),
      who: grant.who ?? before?.who ?? "",
    };
    this.receivedMonotonicMs = this.monotonicMs();
    this.nextQuietRenewalMs = Number.NEGATIVE_INFINITY;
    this.remember({ tokens: this.tokens });
    return this.tokens;
  }

  // -- coming and going

  private async redeem({ params, attempt }: Answer): Promise<void> {
    if (!attempt) return;
    this.change({ kind: "signingIn" });
    try {
      const { who } = this.keep(await this.deps.provider.redeem(params, attempt), null);
      this.change({ kind: "signedIn", who });
    } catch (error) {
      const cancelled = error instanceof SignInRefused && error.code === "access_denied";
      this.stop(cancelled ? "cancelled" : "failed", error instanceof Error ? error.message : null);
    }
  }

  private async leaveForSignIn(earlierAtMs?: number[]): Promise<void> {
    if (this.leaving) return;
    this.leaving = true;
    const nowMs = this.wallMs();
    try {
      this.forgetTokens();
      const redirectsAtMs = earlierAtMs ?? this.deps.memory.read().redirectsAtMs ?? [];
      const recent = redirectsAtMs.filter((atMs) => nowMs - atMs < REDIRECTS_FORGOTTEN_MS);
      if (recent.length >= MAX_REDIRECTS) return this.stop("looping");
      this.change({ kind: "signingIn" });
      const { attempt, url } = await this.deps.provider.begin(this.deps.here());
      this.deps.memory.write({ attempt, redirectsAtMs: [...recent, nowMs] });
      this.deps.navigate(url);
    } catch (error) {
      if (error instanceof DOMException) this.stop("noStorage");
      else this.stop("failed", error instanceof Error ? error.message : null);
    }
  }

  private end(next: SessionState, remembered: Remembered): void {
    if (this.tokens?.refreshToken) this.deps.provider.revoke(this.tokens.refreshToken);
    this.forgetTokens();
    this.deps.memory.write(remembered);
    this.change(next);
  }

  private forgetTokens(): void {
    this.tokens = null;
    this.receivedMonotonicMs = null;
    this.accepted = false;
    this.remember({ tokens: undefined });
  }

  private stop(why: StopReason, detail: string | null = null): void {
    this.leaving = false;
    this.change({ kind: "stopped", why, detail });
  }

  private remember(change: { [Key in keyof Remembered]: Remembered[Key] | undefined }): void {
    const next: Record<string, unknown> = { ...this.deps.memory.read(), ...change };
    this.deps.memory.write(Object.fromEntries(Object.entries(next).filter(([, value]) => value !== undefined)) as Remembered);
  }

  private change(state: SessionState): void {
    this.state = state;
    this.deps.onChange(state);
  }
}
