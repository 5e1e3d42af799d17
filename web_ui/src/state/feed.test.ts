import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ApiClient } from "../api/client";
import type { Frame } from "../api/types";
import { camerasInView, Feed, POLL_MS, STALE_AFTER_MS, summarise } from "./feed";
import { NO_FILTERS } from "./filters";
import { frameOf, framesOf, numbers } from "./testing";

const CAMERAS = [
  { camera_id: "cam", name: "Cam", group: null, zones: [] },
  { camera_id: "yard", name: "Yard", group: null, zones: [] },
];

/** An API over a list of frames, newest first. Cursors are offsets into frames older than what was shown. */
class FakeApi {
  frames: Frame[] = framesOf(30, 1);
  urls: URL[] = [];
  down = false;
  refuse = false;
  /** Pages come empty, with a cursor that goes on. */
  hollow = false;
  inFlight = 0;
  mostInFlight = 0;

  readonly fetch: typeof fetch = async (input, init) => {
    const url = new URL(String(input), "http://site.example");
    this.urls.push(url);
    this.inFlight += 1;
    this.mostInFlight = Math.max(this.mostInFlight, this.inFlight);
    try {
      await new Promise((resolve, reject) => {
        setTimeout(resolve, 50);
        init?.signal?.addEventListener("abort", () => reject(new DOMException("Aborted", "AbortError")));
      });
    } finally {
      this.inFlight -= 1;
    }
    if (this.down) throw new TypeError("Failed to fetch");
    if (this.refuse) return new Response(JSON.stringify({ error: { code: "x", message: "No such camera." } }), { status: 404 });
    const [camera, to] = [url.searchParams.get("camera"), url.searchParams.get("to")];
    const limit = Number(url.searchParams.get("limit"));
    // A cursor belongs to the filters it was given for, as the real one does.
    const filters = ["camera", "label", "from", "to"].map((name) => url.searchParams.get(name)).join("|");
    const [after, forFilters] = (url.searchParams.get("cursor") ?? `|`).split("@");
    if (forFilters !== undefined && forFilters !== filters) {
      return new Response(JSON.stringify({ error: { code: "invalid_parameter", message: "cursor" } }), { status: 400 });
    }
    const found = this.frames.filter(
      (f) =>
        (!camera || f.camera_id === camera) &&
        (!to || Date.parse(f.captured_at) < Date.parse(to)) &&
        (forFilters === undefined || f.frame_id < after!),
    );
    const page = found.slice(0, limit);
    const last = page[page.length - 1]?.frame_id;
    const body = { frames: this.hollow ? [] : page, next_cursor: found.length > limit ? `${last}@${filters}` : null };
    return new Response(JSON.stringify(body));
  };

  /** The requests for the list, without those that ask one camera for its newest. */
  get listUrls(): URL[] {
    return this.urls.filter((url) => url.searchParams.get("limit") !== "1");
  }
}

let api: FakeApi;
let held: boolean;
let feed: Feed;

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse(frameOf(31).captured_at) });
  api = new FakeApi();
  held = false;
  feed = new Feed({
    client: new ApiClient("/v1", api.fetch),
    cameras: CAMERAS,
    isHeld: () => held,
    onChange: () => undefined,
    random: () => 0,
  });
});

afterEach(() => {
  feed.stop();
  vi.useRealTimers();
});

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
const begin = async () => {
  feed.start(NO_FILTERS);
  await pass(500);
};

it("shows the first page, then what is new", async () => {
  await begin();
  expect(numbers(feed.state.list.frames)).toEqual(numbers(framesOf(30, 7)));
  api.frames = framesOf(32, 1);
  await pass(POLL_MS + 500);
  expect(numbers(feed.state.list.frames).slice(0, 3)).toEqual([32, 31, 30]);
});

it("never has two of its own requests in flight", async () => {
  await begin();
  await pass(10 * POLL_MS);
  expect(api.mostInFlight).toBe(1);
});

it("follows cursors back to what is known after a pause", async () => {
  await begin();
  api.frames = framesOf(80, 1);
  await pass(POLL_MS + 1000);
  expect(numbers(feed.state.list.frames)).toEqual(numbers(framesOf(80, 7)));
});

it("starts the list over rather than show one with a hole", async () => {
  await begin();
  api.frames = framesOf(900, 1);
  await pass(POLL_MS + 1000);
  expect(numbers(feed.state.list.frames)).toEqual(numbers(framesOf(900, 829)));
});

it("asks nothing while hidden, and at once when shown", async () => {
  await begin();
  feed.setVisible(false);
  const asked = api.urls.length;
  await pass(10 * POLL_MS);
  expect(api.urls).toHaveLength(asked);
  feed.setVisible(true);
  await pass(100);
  expect(api.urls.length).toBeGreaterThan(asked);
});

it("holds new frames back while paused, and keeps knowing how fresh the pictures are", async () => {
  await begin();
  feed.setPaused(true);
  api.frames = framesOf(33, 1);
  await pass(POLL_MS + 500);
  expect(numbers(feed.state.list.pending)).toEqual([33, 32, 31]);
  expect(feed.state.freshness.get("cam")?.newestMs).toBe(Date.parse(frameOf(33).captured_at));
  feed.setPaused(false);
  expect(feed.state.list.frames[0]?.frame_id).toBe(frameOf(33).frame_id);
});

describe("when the API goes away", () => {
  it("backs off, keeps what it has, and recovers by itself", async () => {
    await begin();
    api.down = true;
    await pass(POLL_MS);
    expect(feed.state.connection).toMatchObject({ state: "lost", problem: { kind: "unreachable" } });
    expect(feed.state.list.frames).toHaveLength(24);
    const asked = api.urls.length;
    await pass(20_000);
    // 1 + 2 + 4 + 8 s: four more tries, not five polls.
    expect(api.urls.length - asked).toBe(4);
    api.down = false;
    await pass(30_000);
    expect(feed.state.connection.state).toBe("ok");
  });

  it("a refusal on the first page is said in place of the frames", async () => {
    api.refuse = true;
    await begin();
    expect(feed.state.list).toMatchObject({ phase: "failed", failure: "No such camera." });
    api.refuse = false;
    feed.retryNow();
    await pass(500);
    expect(feed.state.list.phase).toBe("ready");
  });
});

it("new filters abort what is under way and ask afresh", async () => {
  feed.start(NO_FILTERS);
  await pass(10);
  feed.setFilters({ ...NO_FILTERS, camera: "yard" });
  expect(feed.state.list.phase).toBe("loading");
  await pass(500);
  expect(feed.state.list).toMatchObject({ phase: "ready", frames: [] });
  expect(api.listUrls.map((url) => url.searchParams.get("camera"))).toEqual([null, "yard"]);
});

it("the last hour keeps one beginning for all of its pages", async () => {
  feed.start({ ...NO_FILTERS, range: { kind: "last", minutes: 60 } });
  await pass(500 + 3 * POLL_MS);
  void feed.loadMore();
  await pass(100);
  expect(new Set(api.listUrls.map((url) => url.searchParams.get("from"))).size).toBe(1);
});

it("a page that was loading while the list started over is dropped", async () => {
  await begin();
  api.frames = framesOf(900, 1);
  await pass(POLL_MS - 330);
  void feed.loadMore();
  feed["dispatch"]({ type: "live", frames: framesOf(900, 877), gap: true, nextCursor: "n", hold: false, keepFromMs: null });
  await pass(60);
  expect(numbers(feed.state.list.frames)).toEqual(numbers(framesOf(900, 877)));
  expect(feed.state.list.more).toBe("idle");
});

it("asks a quiet camera for its newest frame, whatever the filters", async () => {
  feed.start({ ...NO_FILTERS, label: "Zebra" });
  await pass(500);
  const asked = api.urls.filter((url) => url.searchParams.get("limit") === "1");
  expect(asked.map((url) => [url.searchParams.get("camera"), url.searchParams.get("label")])).toContainEqual(["yard", null]);
  expect(feed.state.freshness.get("yard")).toEqual({ newestMs: null });
});

describe("the summary", () => {
  it("names the dead camera beside a living one", async () => {
    api.frames.push(frameOf(-600, { camera_id: "yard", frame_id: "yard.b1.00000001" }));
    await begin();
    const summary = summarise(feed.state, CAMERAS, Date.now());
    expect(summary.newestMs).toBe(Date.parse(frameOf(30).captured_at));
    expect(summary.staleCameraIds).toEqual(["yard"]);
    expect(summarise(feed.state, CAMERAS, Date.now() + STALE_AFTER_MS).staleCameraIds).toEqual(["cam", "yard"]);
  });

  it("knows nothing before the first answers", () => {
    expect(summarise(feed.state, CAMERAS, Date.now()).newestMs).toBeUndefined();
  });
});

it("a camera in the address that the site does not know is still asked for", () => {
  expect(camerasInView(CAMERAS, "gone").map(({ camera_id }) => camera_id)).toEqual(["cam", "yard", "gone"]);
  expect(camerasInView(CAMERAS, "yard")).toBe(CAMERAS);
});

describe("a page that is empty and still has a next one", () => {
  it("at the beginning is not the end", async () => {
    api.hollow = true;
    await begin();
    expect(feed.state.list).toMatchObject({ phase: "ready", frames: [], tail: { kind: "cursor" } });
    const walked = feed.loadMore();
    await pass(100);
    await walked;
    api.hollow = false;
    await pass(POLL_MS + 500);
    expect(feed.state.list.frames.length).toBeGreaterThan(0);
  });

  it("in a poll takes nothing away", async () => {
    await begin();
    api.frames = framesOf(200, 1);
    api.hollow = true;
    await pass(2 * POLL_MS);
    expect(numbers(feed.state.list.frames)).toEqual(numbers(framesOf(30, 7)));
  });

  it("does not make a camera one without frames", async () => {
    api.frames = framesOf(200, 1);
    api.hollow = true;
    await begin();
    expect(feed.state.freshness.get("cam")).toBeUndefined();
    expect(feed.state.freshness.get("yard")).toEqual({ newestMs: null });
  });
});

it("what lies below a cut tail is loaded page after page", async () => {
  api.frames = framesOf(300, 1);
  await begin();
  held = true;
  for (let newest = 350; newest <= 500; newest += 50) {
    api.frames = framesOf(newest, 1);
    await pass(POLL_MS + 500);
  }
  feed.release();
  expect(feed.state.list.tail.kind).toBe("before");
  for (let page = 0; page < 3; page += 1) {
    const loaded = feed.loadMore();
    await pass(100);
    await loaded;
    expect(feed.state.list.more).toBe("idle");
  }
  expect(numbers(feed.state.list.frames)).toEqual(numbers(framesOf(500, 500 - feed.state.list.frames.length + 1)));
  expect(feed.state.list.frames.length).toBeGreaterThan(99 + 48);
});
