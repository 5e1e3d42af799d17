import { afterEach, describe, expect, it, vi } from "vitest";
import { ApiClient, ApiProblem, isAbort } from "../api/client";
import { takeAnswer } from "./answer";
import { Provider, SignInMisconfigured } from "./provider";
import type { Session } from "./session";
import { CONFIG, FakeTab, ORIGIN } from "./testing";
import { ServerClock } from "../time/serverClock";
import { TabMemory } from "./tabMemory";

const HOUR_MS = 3_600_000;
const noHistory = { replaceState: () => undefined };

async function openAt(tab: FakeTab, search = "", cameBack = false): Promise<Session> {
  const session = tab.load();
  await session.open(takeAnswer({ origin: ORIGIN, search }, noHistory, tab.memory), cameBack);
  return session;
}

async function signedIn(change: (tab: FakeTab) => void = () => undefined) {
  const tab = new FakeTab();
  change(tab);
  await openAt(tab);
  const session = await openAt(tab, tab.callback());
  expect(session.state).toEqual({ kind: "signedIn", who: "ops@example.com" });
  tab.visited.length = 0;
  return { tab, session };
}

const UNAUTHORIZED = { status: 401, body: { message: "Unauthorized" } as unknown };

/** An API that takes one token. */
function apiOf(session: Session, good: () => string | null, refused = UNAUTHORIZED) {
  const asked: { url: string; authorization: string | null; redirect: RequestRedirect | undefined }[] = [];
  const fetchFn: typeof fetch = (input, init) => {
    const authorization = new Headers(init?.headers).get("authorization");
    asked.push({ url: String(input), authorization, redirect: init?.redirect });
    const ok = authorization === `Bearer ${good()}`;
    return Promise.resolve(
      ok ? new Response(JSON.stringify({ frames: [], next_cursor: null })) : new Response(JSON.stringify(refused.body), { status: refused.status }),
    );
  };
  return { client: new ApiClient("/v1", fetchFn, new ServerClock(), session), asked };
}

const caught = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.fail("nothing was raised"),
    (error: unknown) => error,
  );

afterEach(() => vi.useRealTimers());

describe("signing in", () => {
  it("a page that nobody is signed in to leads to the provider at once, by code flow with PKCE", async () => {
    const tab = new FakeTab();
    await openAt(tab);
    const [url] = tab.visited;
    expect(url?.origin + (url?.pathname ?? "")).toBe(CONFIG.authorize_url);
    const asked = Object.fromEntries(url?.searchParams ?? []);
    expect(asked).toMatchObject({
      response_type: "code",
      client_id: "client1",
      redirect_uri: `${ORIGIN}/`,
      scope: "openid email",
      code_challenge_method: "S256",
    });
    expect(asked.state?.length).toBeGreaterThan(40);
    expect(tab.memory.read().attempt?.returnTo).toBe("/?camera=yard#frames");
    expect(tab.states.at(-1)).toEqual({ kind: "signingIn" });
  });

  it("the code is redeemed with the verifier that only this tab knows", async () => {
    const { tab } = await signedIn();
    const [redeemed] = tab.endpoint.asked;
    expect(Object.fromEntries(redeemed ?? [])).toMatchObject({
      grant_type: "authorization_code",
      code: "code1",
      redirect_uri: `${ORIGIN}/`,
      client_id: "client1",
    });
    expect(redeemed?.get("code_verifier")?.length).toBeGreaterThanOrEqual(43);
  });

  it("each attempt has a state, a nonce and a verifier of its own", async () => {
    const [one, two] = [new FakeTab(), new FakeTab()];
    await openAt(one);
    await openAt(two);
    const of = (tab: FakeTab) => tab.memory.read().attempt;
    expect(of(one)?.state).not.toBe(of(two)?.state);
    expect(of(one)?.nonce).not.toBe(of(two)?.nonce);
    expect(of(one)?.codeVerifier).not.toBe(of(two)?.codeVerifier);
  });

  it("an answer that this tab did not ask for is refused, with a button and no redirect", async () => {
    const tab = new FakeTab();
    const session = await openAt(tab, "?code=stolen&state=made-up");
    expect(session.state).toMatchObject({ kind: "stopped", why: "unasked" });
    expect(tab.endpoint.asked).toEqual([]);
    expect(tab.visited).toEqual([]);
  });

  it("an answer that this tab did not ask for does not change who is signed in", async () => {
    const { tab } = await signedIn();
    const session = await openAt(tab, "?code=stolen&state=made-up");
    expect(session.state).toEqual({ kind: "signedIn", who: "ops@example.com" });
    expect(tab.endpoint.grants("authorization_code")).toBe(1);
  });

  it.each([
    ["another nonce", { nonce: "other" }],
    ["another issuer", { iss: "https://elsewhere.example" }],
    ["another client", { aud: "client2" }],
    ["an ID token from last year", { exp: 1_700_000_000 }],
  ])("%s is not trusted", async (_, claims) => {
    const tab = new FakeTab();
    await openAt(tab);
    const search = tab.callback();
    tab.endpoint.claims = { ...tab.endpoint.claims, ...claims };
    const session = await openAt(tab, search);
    expect(session.state).toMatchObject({ kind: "stopped", why: "failed" });
    expect(tab.memory.read().tokens).toBeUndefined();
  });

  it("a cancelled sign-in says so and goes nowhere", async () => {
    const tab = new FakeTab();
    await openAt(tab);
    const state = tab.visited[0]?.searchParams.get("state");
    const session = await openAt(tab, `?error=access_denied&error_description=No&state=${state}`);
    expect(session.state).toEqual({ kind: "stopped", why: "cancelled", detail: "No" });
    expect(tab.visited).toHaveLength(1);
    await session.signIn();
    expect(tab.visited).toHaveLength(2);
  });

  it("the words of an error that nobody asked for are not shown", async () => {
    const session = await openAt(new FakeTab(), "?error=x&error_description=Call+this+number&state=y");
    expect(session.state).toEqual({ kind: "stopped", why: "unasked", detail: null });
  });

  it("a provider that is away when the code comes back is a button, not a redirect", async () => {
    const tab = new FakeTab();
    await openAt(tab);
    tab.endpoint.down = true;
    const session = await openAt(tab, tab.callback());
    expect(session.state).toMatchObject({ kind: "stopped", why: "failed" });
    expect(tab.visited).toHaveLength(1);
  });

  it("coming back with the Back button does not trap anybody", async () => {
    const tab = new FakeTab();
    await openAt(tab);
    const session = await openAt(tab, "", true);
    expect(session.state).toMatchObject({ kind: "stopped", why: "unfinished" });
    expect(tab.visited).toHaveLength(1);
  });

  it("redirects that lead to nothing end after two, and a pressed button begins anew", async () => {
    const tab = new FakeTab();
    await openAt(tab);
    await openAt(tab);
    const session = await openAt(tab);
    expect(session.state).toMatchObject({ kind: "stopped", why: "looping" });
    expect(tab.visited).toHaveLength(2);
    await session.signIn();
    expect(tab.visited).toHaveLength(3);
  });

  it("redirects of a while ago are no loop", async () => {
    const tab = new FakeTab();
    for (let visit = 0; visit < 5; visit += 1) {
      await openAt(tab);
      tab.pass(3 * 60_000);
    }
    expect(tab.visited).toHaveLength(5);
  });

  it("a button pressed twice is one attempt", async () => {
    const tab = new FakeTab();
    const session = await openAt(tab, "?error=x&state=y");
    await Promise.all([session.signIn(), session.signIn()]);
    expect(tab.visited).toHaveLength(1);
    expect(tab.visited[0]?.searchParams.get("state")).toBe(tab.memory.read().attempt?.state);
  });

  it("a browser that stores nothing is told so instead of going round in circles", async () => {
    const tab = new FakeTab();
    const blocked = new TabMemory(() => {
      throw new DOMException("Denied", "SecurityError");
    });
    const session = tab.load(blocked);
    await session.open(takeAnswer({ origin: ORIGIN, search: "?code=c&state=s" }, noHistory, blocked), false);
    expect(session.state).toMatchObject({ kind: "stopped", why: "noStorage" });
    await session.signIn();
    expect(session.state).toMatchObject({ kind: "stopped", why: "noStorage" });
    expect(tab.visited).toEqual([]);
  });

  it("addresses that are neither https nor this machine are refused", () => {
    const make = (change: Partial<typeof CONFIG>) => new Provider({ ...CONFIG, ...change }, ORIGIN, new ServerClock());
    expect(() => make({ token_url: "http://sign-in.example/oauth2/token" })).toThrow(SignInMisconfigured);
    expect(() => make({ authorize_url: "javascript:alert(1)" })).toThrow("sign_in.authorize_url");
    expect(() => make({ logout_url: "http://127.0.0.1.elsewhere.example/" })).toThrow("sign_in.logout_url");
    expect(make({ token_url: "http://127.0.0.1:8080/oauth2/token" })).toBeInstanceOf(Provider);
  });

  it("a browser whose clock is a day ahead signs in all the same", async () => {
    const serverNowMs = Date.now();
    const tab = new FakeTab();
    await openAt(tab);
    const search = tab.callback();
    tab.endpoint.claims = { ...tab.endpoint.claims, iat: Math.floor(serverNowMs / 1000), exp: Math.floor(serverNowMs / 1000) + 3600 };
    vi.useFakeTimers({ toFake: ["Date"], now: serverNowMs + 24 * HOUR_MS });
    const clock = new ServerClock();
    clock.learn(new Headers({ date: new Date(serverNowMs).toUTCString() }));
    const answer = takeAnswer({ origin: ORIGIN, search }, noHistory, tab.memory);
    const provider = new Provider(CONFIG, ORIGIN, clock, tab.endpoint.fetch);
    const grant = await provider.redeem(new URLSearchParams(search), answer?.attempt ?? expect.fail("no attempt"));
    expect(grant.who).toBe("ops@example.com");
  });
});

describe("staying signed in", () => {
  it("a reload asks nobody to sign in again", async () => {
    const { tab } = await signedIn();
    const session = await openAt(tab);
    expect(await session.token()).toBe("access1");
    expect(tab.visited).toEqual([]);
    expect(tab.endpoint.asked).toHaveLength(1);
  });

  it("a token is renewed before it runs out, and nobody waits for that", async () => {
    const { tab, session } = await signedIn();
    tab.pass(50 * 60_000);
    expect(await session.token()).toBe("access1");
    expect(tab.endpoint.grants("refresh_token")).toBe(0);
    tab.pass(6 * 60_000);
    let release = (_: unknown) => undefined as void;
    tab.endpoint.held = new Promise((resolve) => (release = resolve));
    expect(await session.token()).toBe("access1");
    expect(tab.endpoint.grants("refresh_token")).toBe(1);
    release(null);
    await vi.waitFor(async () => expect(await session.token()).toBe("access2"));
    expect(tab.memory.read().tokens).toMatchObject({ accessToken: "access2", refreshToken: "refresh1" });
  });

  it("many who find the token run out renew it once", async () => {
    const { tab, session } = await signedIn();
    tab.pass(2 * HOUR_MS);
    const tokens = await Promise.all(Array.from({ length: 20 }, () => session.token()));
    expect(new Set(tokens)).toEqual(new Set(["access2"]));
    expect(tab.endpoint.grants("refresh_token")).toBe(1);
  });

  it("a laptop that slept renews first, whichever clock stood still", async () => {
    for (const asleep of ["monotonicMs", "wallMs"] as const) {
      const { tab, session } = await signedIn();
      tab[asleep === "wallMs" ? "monotonicMs" : "wallMs"] += 8 * HOUR_MS;
      expect(await session.token()).toBe("access2");
    }
  });

  it("a clock that somebody set back does not make a token younger", async () => {
    const { tab, session } = await signedIn();
    tab.wallMs -= 24 * HOUR_MS;
    expect(await session.token()).toBe("access1");
    tab.monotonicMs += HOUR_MS;
    expect(await session.token()).toBe("access2");
    tab.wallMs -= HOUR_MS;
    expect(await (await openAt(tab)).token()).toBe("access3");
  });

  it("while the provider is away a token that still works is used, and asked for again later and later", async () => {
    const { tab, session } = await signedIn();
    tab.endpoint.down = true;
    tab.pass(56 * 60_000);
    for (let second = 0; second < 30; second += 1) {
      expect(await session.token()).toBe("access1");
      await new Promise((resolve) => setTimeout(resolve));
      tab.pass(1_000);
    }
    expect(tab.endpoint.grants("refresh_token")).toBe(5); // at 0, 1, 3, 7 and 15 s
  });

  it("while the provider is away and the token has run out the page stays and says so, then recovers", async () => {
    const { tab, session } = await signedIn();
    tab.pass(2 * HOUR_MS);
    tab.endpoint.down = true;
    expect(await caught(session.token())).toMatchObject({ kind: "unreachable" });
    tab.endpoint.down = false;
    tab.endpoint.refuse = { status: 503, body: "<html>" };
    expect(await caught(session.token())).toMatchObject({ kind: "failing" });
    tab.endpoint.refuse = { status: 429, body: '{"error":"too_many_requests"}' };
    expect(await caught(session.token())).toBeInstanceOf(ApiProblem);
    expect(session.state.kind).toBe("signedIn");
    expect(tab.visited).toEqual([]);
    tab.endpoint.refuse = null;
    expect(await session.token()).toBe("access2");
  });

  it("a refresh token that ran out leads to the sign-in, once, from the view that was open", async () => {
    const { tab, session } = await signedIn();
    tab.pass(2 * HOUR_MS);
    tab.endpoint.refuse = { status: 400, body: '{"error":"invalid_grant"}' };
    const errors = await Promise.all([caught(session.token()), caught(session.token())]);
    expect(errors.every(isAbort)).toBe(true);
    await vi.waitFor(() => expect(tab.visited).toHaveLength(1));
    expect(tab.memory.read()).toMatchObject({ attempt: { returnTo: "/?camera=yard#frames" } });
    expect(tab.memory.read().tokens).toBeUndefined();
  });

  it("a night of renewals leaves behind no more than one does", async () => {
    const { tab, session } = await signedIn();
    const sizes = new Set<number>();
    for (let hour = 0; hour < 12; hour += 1) {
      tab.pass(HOUR_MS);
      await session.token();
      session.onAccepted();
      if (hour > 0) sizes.add([...tab.storage.items.values()].join("").replace(/access\d+|\d{9,}/g, "").length);
    }
    expect(tab.endpoint.grants("refresh_token")).toBe(12);
    expect(sizes.size).toBe(1);
  });
});

describe("asking the API", () => {
  it("the token goes to the API, stays out of the address and follows no redirect", async () => {
    const { session } = await signedIn();
    const { client, asked } = apiOf(session, () => "access1");
    await client.frames({ camera: "yard" });
    expect(asked).toEqual([{ url: "/v1/frames?camera=yard", authorization: "Bearer access1", redirect: "error" }]);
  });

  it("a refused token is renewed once and the request sent once more", async () => {
    const { tab, session } = await signedIn();
    const { client, asked } = apiOf(session, () => "access2");
    await client.frames({});
    expect(asked.map(({ authorization }) => authorization)).toEqual(["Bearer access1", "Bearer access2"]);
    expect(tab.endpoint.grants("refresh_token")).toBe(1);
  });

  it("many refused requests renew once", async () => {
    const { tab, session } = await signedIn();
    const { client } = apiOf(session, () => "access2");
    await Promise.all(Array.from({ length: 10 }, () => client.frames({})));
    expect(tab.endpoint.grants("refresh_token")).toBe(1);
  });

  it("a refusal that arrives late takes the token that others have renewed since", async () => {
    const { tab, session } = await signedIn();
    expect(await session.tokenInsteadOf("access1")).toBe("access2");
    expect(await session.tokenInsteadOf("access1")).toBe("access2");
    expect(tab.endpoint.grants("refresh_token")).toBe(1);
  });

  it("a token that is refused again leads to the sign-in, not to a third request", async () => {
    const { tab, session } = await signedIn();
    const { client, asked } = apiOf(session, () => null);
    expect(isAbort(await caught(client.frames({})))).toBe(true);
    await vi.waitFor(() => expect(tab.visited).toHaveLength(1));
    expect(asked).toHaveLength(2);
  });

  it("an API that refuses every sign-in is not asked for ever", async () => {
    const tab = new FakeTab();
    let session = await openAt(tab);
    for (let round = 0; round < 5 && session.state.kind !== "stopped"; round += 1) {
      session = await openAt(tab, tab.callback());
      await caught(apiOf(session, () => null).client.frames({}));
      await vi.waitFor(() => expect(session.state.kind).not.toBe("signedIn"));
      await vi.waitFor(() => expect(session.state.kind === "stopped" || tab.memory.read().attempt).toBeTruthy());
    }
    expect(session.state).toMatchObject({ kind: "stopped", why: "looping" });
    expect(tab.visited).toHaveLength(2);
  });

  it("an accepted token is the end of the count", async () => {
    const { tab, session } = await signedIn();
    expect(tab.memory.read().redirectsAtMs).toHaveLength(1);
    await apiOf(session, () => "access1").client.frames({});
    expect(tab.memory.read().redirectsAtMs).toBeUndefined();
  });

  it("somebody in none of the groups is told who they are; once in a group, a renewed token lets them in", async () => {
    const { tab, session } = await signedIn();
    const refused = { status: 403, body: { error: { code: "forbidden", message: "none of the groups" } } };
    const { client } = apiOf(session, () => "access2", refused);
    expect(isAbort(await caught(client.frames({})))).toBe(true);
    expect(session.state).toEqual({ kind: "forbidden", who: "ops@example.com" });
    await session.retry();
    expect(session.state).toEqual({ kind: "signedIn", who: "ops@example.com" });
    await client.frames({});
    expect(tab.visited).toEqual([]);
  });

  it("a 403 that is not the API's own is an ordinary refusal", async () => {
    const { session } = await signedIn();
    const { client } = apiOf(session, () => null, { status: 403, body: { message: "Forbidden" } });
    expect(await caught(client.frames({}))).toMatchObject({ kind: "refused", status: 403 });
    expect(session.state.kind).toBe("signedIn");
  });
});

describe("signing out", () => {
  it("forgets the tokens, revokes them, tells the other tabs and goes to the provider", async () => {
    const { tab, session } = await signedIn();
    session.signOut();
    expect(tab.memory.read()).toEqual({ signedOut: true });
    await vi.waitFor(() => expect(tab.endpoint.urls.at(-1)).toBe("https://sign-in.example/oauth2/revoke"));
    expect(tab.endpoint.asked.at(-1)?.get("token")).toBe("refresh1");
    expect(tab.told).toHaveLength(1);
    expect(tab.visited.map(String)).toEqual([
      `https://sign-in.example/logout?client_id=client1&logout_uri=${encodeURIComponent(`${ORIGIN}/`)}`,
    ]);
    expect(isAbort(await caught(session.token()))).toBe(true);
  });

  it("who comes back from it is told so, and asked to sign in only after that", async () => {
    const { tab, session } = await signedIn();
    session.signOut();
    expect((await openAt(tab)).state).toMatchObject({ kind: "stopped", why: "signedOut" });
    await openAt(tab);
    expect(tab.visited.at(-1)?.pathname).toBe("/oauth2/authorize");
  });

  it("a renewal that was under way does not sign in again", async () => {
    const { tab, session } = await signedIn();
    let release = (_: unknown) => undefined as void;
    tab.endpoint.held = new Promise((resolve) => (release = resolve));
    tab.pass(2 * HOUR_MS);
    const waiting = caught(session.token());
    session.signOut();
    release(null);
    expect(isAbort(await waiting)).toBe(true);
    expect(tab.memory.read()).toEqual({ signedOut: true });
    expect(session.state).toEqual({ kind: "signingOut" });
  });

  it("another tab's sign-out ends this one's session too", async () => {
    const { tab, session } = await signedIn();
    tab.otherTabs.onmessage?.call({} as BroadcastChannel, new MessageEvent("message"));
    expect(session.state).toMatchObject({ kind: "stopped", why: "signedOut" });
    expect(tab.memory.read()).toEqual({});
    expect(tab.visited).toEqual([]);
    await vi.waitFor(() => expect(tab.endpoint.asked.at(-1)?.get("token")).toBe("refresh1"));
  });

  it("a page out of the browser's cache does not show what was signed out of", async () => {
    const { tab, session } = await signedIn();
    const another = await openAt(tab);
    another.signOut();
    session.restored();
    await vi.waitFor(() => expect(session.state).toMatchObject({ kind: "stopped", why: "signedOut" }));
  });
});
