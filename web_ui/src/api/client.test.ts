import { afterEach, expect, it, vi } from "vitest";
import { ServerClock } from "../time/serverClock";
import { ApiClient, ApiProblem, askJson, isAbort, REQUEST_TIMEOUT_MS, windowAround } from "./client";

const NOW_MS = Date.parse("2026-11-21T12:00:00Z");
const json = (body: unknown, init: ResponseInit = {}) => new Response(JSON.stringify(body), init);
const clientOf = (answer: (url: string) => Response | Promise<Response>) =>
  new ApiClient("/v1", (input) => Promise.resolve(answer(String(input))), new ServerClock(() => NOW_MS));
const problemOf = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.fail("no problem"),
    (error: unknown) => error as ApiProblem,
  );

afterEach(() => vi.useRealTimers());

it("asks with exactly the parameters that are set", async () => {
  const urls: string[] = [];
  const client = clientOf((url) => (urls.push(url), json({ frames: [], next_cursor: null })));
  await client.frames({});
  await client.frames({ camera: "yard", label: "a b&c", from: "2026-11-21T00:00:00Z", watchOnly: true, limit: 24, cursor: "x=/+" });
  await client.frames({ camera: null, label: "", watchOnly: false });
  expect(urls).toEqual([
    "/v1/frames",
    "/v1/frames?camera=yard&label=a+b%26c&from=2026-11-21T00%3A00%3A00Z&watch_only=true&limit=24&cursor=x%3D%2F%2B",
    "/v1/frames",
  ]);
});

it("a refusal carries the API's own sentence", async () => {
  const body = { error: { code: "invalid_parameter", message: "limit must be at most 100." } };
  const problem = await problemOf(clientOf(() => json(body, { status: 400 })).frames({}));
  expect([problem.kind, problem.message, problem.status]).toEqual(["refused", "limit must be at most 100.", 400]);
});

it("what may pass is told from what will not", async () => {
  const kind = async (status: number) => (await problemOf(clientOf(() => json({}, { status })).frames({}))).kind;
  expect(await Promise.all([500, 502, 503, 429, 408].map(kind))).toEqual(Array(5).fill("failing"));
  expect(await Promise.all([400, 403, 404].map(kind))).toEqual(Array(3).fill("refused"));
});

it("a page of HTML with status 200 is not taken for an answer", async () => {
  const problem = await problemOf(clientOf(() => new Response("<!doctype html>")).frames({}));
  expect(problem.kind).toBe("failing");
  expect((await problemOf(clientOf(() => json({ hello: 1 })).frames({}))).kind).toBe("failing");
});

it("Retry-After is passed on in milliseconds", async () => {
  const answer = () => json({}, { status: 503, headers: { "retry-after": "7" } });
  expect((await problemOf(clientOf(answer).frames({}))).retryAfterMs).toBe(7_000);
});

it("a network that fails is unreachable", async () => {
  const client = clientOf(() => Promise.reject(new TypeError("Failed to fetch")));
  expect((await problemOf(client.frames({}))).kind).toBe("unreachable");
});

const never = (_: RequestInfo | URL, init?: RequestInit) =>
  new Promise<Response>((_resolve, reject) =>
    init?.signal?.addEventListener("abort", () => reject(new DOMException("Aborted", "AbortError"))),
  );

it("an answer that never comes is given up on", async () => {
  vi.useFakeTimers();
  const caught = problemOf(askJson("/v1/site", { fetchFn: never }));
  await vi.advanceTimersByTimeAsync(REQUEST_TIMEOUT_MS);
  expect((await caught).kind).toBe("unreachable");
});

it("a request that its caller gave up on is no problem", async () => {
  const controller = new AbortController();
  const caught = askJson("/v1/site", { fetchFn: never, signal: controller.signal }).catch((error: unknown) => error);
  controller.abort();
  expect(isAbort(await caught)).toBe(true);
});

it("learns the server's clock, so that a wrong browser clock does not make old frames fresh", async () => {
  const dated = (date: string, extra: Record<string, string> = {}) =>
    clientOf(() => json({ frames: [], next_cursor: null }, { headers: { date, ...extra } }));
  const ahead = dated("Sat, 21 Nov 2026 12:10:00 GMT");
  await ahead.frames({});
  expect(ahead.serverNow()).toBe(NOW_MS + 600_000);
  const same = dated("Sat, 21 Nov 2026 11:59:58 GMT");
  await same.frames({});
  expect(same.serverNow()).toBe(NOW_MS);
  const cached = dated("Sat, 21 Nov 2026 11:50:00 GMT", { age: "600" });
  await cached.frames({});
  expect(cached.serverNow()).toBe(NOW_MS);
});

it("a frame is asked for again by the smallest window that holds it", () => {
  expect(windowAround("2026-11-21T03:17:13.123456Z")).toEqual({
    from: "2026-11-21T03:17:13.123456Z",
    to: "2026-11-21T03:17:13.124Z",
  });
});

it("a list that was asked for ahead is asked for once, then anew", async () => {
  const urls: string[] = [];
  const answers: typeof fetch = async (input) => {
    urls.push(String(input));
    return new Response(JSON.stringify({ at: String(urls.length), cameras: [], troubles: [] }));
  };
  const client = new ApiClient("/v1", answers);
  client.askAhead("cameras");
  expect((await client.cameras()).at).toBe("1");
  expect((await client.cameras()).at).toBe("2");
  expect(urls).toEqual(["/v1/cameras", "/v1/cameras"]);
});
