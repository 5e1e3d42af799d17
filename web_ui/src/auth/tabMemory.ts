// What a tab remembers of its sign-in: in sessionStorage, so that a reload asks nobody to sign in again (docs/adr says why there).
// Never in localStorage, which outlives the tab, and never in the address.

const KEY = "framewatch.session";

export interface Tokens {
  accessToken: string;
  refreshToken: string | null;
  lifetimeMs: number;
  /** By the browser's own clock, which alone goes on counting through a reload. */
  receivedAtMs: number;
  /** Who is signed in, for people to read. */
  who: string;
}

/** A sign-in under way: what must come back with the answer, and where to go then. */
export interface Attempt {
  state: string;
  nonce: string;
  codeVerifier: string;
  /** Path, query and fragment of the view that asked for the sign-in. */
  returnTo: string;
}

export interface Remembered {
  tokens?: Tokens;
  attempt?: Attempt;
  /** When this page last left for the sign-in by itself, oldest first, until the API has accepted a token. */
  redirectsAtMs?: number[];
  /** The browser was sent to the provider's sign-out: what comes back wants to be told so, not asked to sign in. */
  signedOut?: boolean;
}

export class TabMemory {
  /** `storage` is a function: where cookies are blocked, reading window.sessionStorage throws. */
  constructor(private readonly storage: () => Storage = () => window.sessionStorage) {}

  /** Raises DOMException where the browser lets this page store nothing. */
  read(): Remembered {
    const text = this.storage().getItem(KEY);
    try {
      return text === null ? {} : (JSON.parse(text) as Remembered);
    } catch {
      return {}; // not ours, or half written: as if there were nothing
    }
  }

  /** Raises DOMException where the browser lets this page store nothing. */
  write(remembered: Remembered): void {
    if (Object.keys(remembered).length === 0) this.storage().removeItem(KEY);
    else this.storage().setItem(KEY, JSON.stringify(remembered));
  }
}
