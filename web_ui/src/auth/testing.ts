// A provider and a browser tab for unit tests.

import { ServerClock } from "../time/serverClock";
import { Provider } from "./provider";
import { Session, type SessionState, type SignOutChannel } from "./session";
import { TabMemory } from "./tabMemory";

export const ORIGIN = "https://site.example";
export const CONFIG = {
  issuer: "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_pool",
  client_id: "client1",
  authorize_url: "https://sign-in.example/oauth2/authorize",
  token_url: "https://sign-in.example/oauth2/token",
  logout_url: "https://sign-in.example/logout",
};

const base64url = (value: unknown) => btoa(JSON.stringify(value)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

/** The token endpoint of a provider, which answers as it is told to. */
export class FakeTokenEndpoint {
  lifetimeS = 3600;
  claims: Record<string, unknown> = {};
  /** Answered instead of tokens. */
  refuse: { status: number; body: string } | null = null;
  down = false;
  /** Refresh answers wait for this. */
  held: Promise<unknown> = Promise.resolve();
  asked: URLSearchParams[] = [];
  urls: string[] = [];
  private made = 0;

  readonly fetch: typeof fetch = async (input, init) => {
    this.urls.push(String(input));
    const form = new URLSearchParams(String(init?.body));
    this.asked.push(form);
    await this.held;
    if (this.down) throw new TypeError("Failed to fetch");
    const json = { "content-type": "application/json" };
    if (this.refuse) return new Response(this.refuse.body, { status: this.refuse.status, headers: json });
    this.made += 1;
    const nowS = Math.floor(Date.now() / 1000);
    const standard = { iss: CONFIG.issuer, aud: CONFIG.client_id, sub: "user1", iat: nowS, exp: nowS + 3600 };
    const claims = { ...standard, email: "ops@example.com", ...this.claims };
    return new Response(
      JSON.stringify({
        access_token: `access${this.made}`,
        id_token: `${base64url({ alg: "RS256" })}.${base64url(claims)}.c2ln`,
        token_type: "Bearer",
        expires_in: this.lifetimeS,
        ...(form.get("grant_type") === "authorization_code" ? { refresh_token: "refresh1" } : {}),
      }),
      { headers: json },
    );
  };

  grants(type: string): number {
    return this.asked.filter((form) => form.get("grant_type") === type).length;
  }
}

export class FakeStorage implements Pick<Storage, "getItem" | "setItem" | "removeItem"> {
  readonly items = new Map<string, string>();
  getItem = (key: string) => this.items.get(key) ?? null;
  setItem = (key: string, value: string) => void this.items.set(key, value);
  removeItem = (key: string) => void this.items.delete(key);
}

/** One tab of a browser: it keeps its storage over reloads and goes where it is sent. */
export class FakeTab {
  readonly endpoint = new FakeTokenEndpoint();
  readonly storage = new FakeStorage();
  readonly memory = new TabMemory(() => this.storage as unknown as Storage);
  readonly visited: URL[] = [];
  readonly states: SessionState[] = [];
  readonly told: unknown[] = [];
  readonly otherTabs: SignOutChannel = { postMessage: (message) => void this.told.push(message), onmessage: null };
  wallMs = 1_000_000_000;
  monotonicMs = 5_000;
  here = "/?camera=yard#frames";

  load(memory: TabMemory = this.memory): Session {
    const clock = new ServerClock();
    this.monotonicMs = 0;
    return new Session({
      provider: new Provider(CONFIG, ORIGIN, clock, this.endpoint.fetch),
      memory,
      otherTabs: this.otherTabs,
      onChange: (state) => void this.states.push(state),
      navigate: (url) => void this.visited.push(new URL(url)),
      here: () => this.here,
      wallMs: () => this.wallMs,
      monotonicMs: () => this.monotonicMs,
      random: () => 0,
    });
  }

  pass(ms: number): void {
    this.wallMs += ms;
    this.monotonicMs += ms;
  }

  /** What the provider sent this tab back with: parameters of the address, with the nonce in the ID token. */
  callback(): string {
    const asked = this.visited.at(-1)?.searchParams;
    this.endpoint.claims = { ...this.endpoint.claims, nonce: asked?.get("nonce") };
    return `?code=code1&state=${asked?.get("state")}`;
  }
}
