import { expect, it } from "vitest";
import type { Alert, Severity, Visit } from "../api/types";
import { densityQuery, skylines } from "./timelineDensity";
import { drawnOf, hitAt, itemsOf, lanesOf, markOf, MAX_DRAWN, newestDrawn, rowsOf, stepFrom, type Lane } from "./timelineItems";
import { loadAll, MAX_ITEMS, NOTHING_READ, refreshed, type TimelineAsk, type TimelineData } from "./timelineLoad";
import { answerOf, barWords, sentenceOf, spanWords, spokenOf } from "./timelineWords";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "./timelineWindow";

const START_MS = Date.parse("2026-11-21T00:00:00Z");
const WINDOW = { fromMs: START_MS, toMs: START_MS + 10 * HOUR_MS };
const PLOT = { window: WINDOW, widthPx: 1000, markPx: 24 };
const ZONE = "Europe/Madrid";
const at = (minutes: number) => new Date(START_MS + minutes * MINUTE_MS).toISOString();

function visit(id: string, from: number, to: number, change: Partial<Visit> = {}): Visit {
  return {
    visit_id: id,
    camera_id: "yard",
    camera_name: "Yard",
    label: "Person",
    first_seen: at(from),
    last_seen: at(to),
    open: false,
    frames: 3,
    best: { frame_id: `f${id}`, captured_at: at(from), confidence: 94.9, box_xyxy_rel: null, image_url: null, image_url_expires_at: null },
    alerts: [],
    withheld: [],
    ...change,
  };
}

function alert(id: string, minute: number, severity: Severity = "alert", change: Partial<Alert> = {}): Alert {
  return {
    alert_id: id,
    rule_id: "watch",
    severity,
    state: "sent",
    camera_id: "yard",
    camera_name: "Yard",
    label: "Person",
    confidence: 88,
    captured_at: at(minute),
    decided_at: at(minute),
    visit_id: "v",
    frame_id: "f",
    box_xyxy_rel: null,
    image_url: null,
    image_url_expires_at: null,
    deliveries: [],
    escalation: [],
    escalates_at: null,
    answers: [],
    notes: [],
    joined: [],
    trace: { captured_at: at(minute), arrived_at: null, received_at: null, labelled_at: null, stored_at: null, decided_at: at(minute), published_at: null },
    ...change,
  };
}

function dataOf(visits: Visit[], alerts: Alert[] = []): TimelineData {
  return {
    visits: new Map(visits.map((each) => [each.visit_id, each])),
    alerts: new Map(alerts.map((each) => [each.alert_id, each])),
    completeFromMs: null,
  };
}

const taken = { kind: "taken", by: "user:berta", name: "Berta", is_you: false, at: at(9) } as const;
const CAMERAS = ["yard", "door"].map((camera_id) => ({ camera: { camera_id, name: camera_id }, known: true }));

function lanes(visits: Visit[], alerts: Alert[] = [], labels = ["Person", "Dog"]): Lane[] {
  const items = itemsOf(dataOf(visits, alerts), WINDOW, WINDOW.toMs);
  return lanesOf(items, CAMERAS, rowsOf(labels, null, items), PLOT);
}

// -- what is drawn

it("what reaches into the window is in it, what touches it from outside is not, and an open visit reaches now", () => {
  const nowMs = START_MS + 5 * HOUR_MS;
  const items = itemsOf(dataOf([visit("in", -10, 5), visit("past", -10, -1), visit("next", 600, 610), visit("open", 100, 120, { open: true })]), WINDOW, nowMs);
  expect(items.map(({ key, toMs }) => [key, toMs])).toEqual([["v in", START_MS + 5 * MINUTE_MS], ["v open", nowMs]]);
});

it("bars that would meet become one with a count, and part again when there is room", () => {
  // A pixel is 36 s: three visits of a minute each, two minutes apart, and one an hour later.
  const [yard] = lanes([visit("a", 10, 11), visit("b", 12, 13), visit("c", 14, 15), visit("d", 75, 80)]);
  expect(yard!.rows[0]!.map(({ key, items, x }) => [key, items.length, Math.round(x)])).toEqual([["v a", 3, 17], ["v d", 1, 125]]);
  expect(barWords(yard!.rows[0]![0]!)).toBe("3");
  const near = { ...PLOT, window: { fromMs: START_MS, toMs: START_MS + HOUR_MS } };
  const items = itemsOf(dataOf([visit("a", 10, 11), visit("b", 12, 13)]), near.window, near.window.toMs);
  expect(lanesOf(items, CAMERAS, rowsOf(["Person"], null, items), near)[0]!.rows[0]!.length).toBe(2);
});

it("a busy month is groups side by side, not one bar from end to end", () => {
  const [yard] = lanes(Array.from({ length: 100 }, (_, n) => visit(`v${n}`, n * 6, n * 6 + 1)));
  const bars = yard!.rows[0]!;
  expect(bars.length).toBeGreaterThan(20);
  bars.forEach(({ x, width }, index) => {
    expect(width).toBeGreaterThanOrEqual(8);
    expect(x + width).toBeLessThanOrEqual((bars[index + 1]?.x ?? 1000));
  });
});

it("two at once in a row that labels share are one", () => {
  const [yard] = lanes([visit("cat", 0, 300, { label: "Cat" }), visit("fox", 100, 120, { label: "Fox" })]);
  expect(yard!.rows[2]!.map(({ items }) => items.length)).toEqual([2]);
});

it("no number of visits and cameras draws more than a page can carry, and none is lost", () => {
  const cameras = Array.from({ length: 20 }, (_, n) => ({ camera: { camera_id: `c${n}`, name: "C" }, known: true }));
  const visits = Array.from({ length: 1000 }, (_, n) =>
    visit(`v${n}`, Math.floor(n / 20) * 12, Math.floor(n / 20) * 12 + 1, { camera_id: `c${n % 20}`, label: n % 3 ? "Person" : "Dog" }),
  );
  const items = itemsOf(dataOf(visits), WINDOW, WINDOW.toMs);
  const all = lanesOf(items, cameras, rowsOf(["Person", "Dog"], null, items), PLOT).flatMap(({ inOrder }) => inOrder);
  expect(all.length).toBeLessThanOrEqual(MAX_DRAWN);
  expect(all.reduce((sum, { items: own }) => sum + own.length, 0)).toBe(1000);
});

it("marks never cover one another, and one for many shows the worst and whether anyone must answer", () => {
  const [yard] = lanes([], [alert("a", 10, "notice"), alert("b", 15, "critical", { answers: [taken] }), alert("c", 60, "alert", { answers: [taken] })]);
  expect(yard!.marks.map((mark) => [mark.items.length, markOf(mark)])).toEqual([
    [2, { severity: "critical", isAnswered: false }],
    [1, { severity: "alert", isAnswered: true }],
  ]);
});

it("each word of the rules has its row, the fourth and later ones share one, and a filter leaves its own", () => {
  const names = (rows: ReturnType<typeof rowsOf>) => rows.map(({ label }) => label);
  expect(names(rowsOf(["Person", "Dog"], null, []))).toEqual(["Person", "Dog"]);
  expect(names(rowsOf(["A", "B", "C", "D", "E"], null, []))).toEqual(["A", "B", "C", null]);
  expect(rowsOf(["Person", "Dog"], "dog", [])).toEqual([{ label: "Dog", tone: 1 }]);
  const [yard] = lanes([visit("odd", 1, 60, { label: "Giraffe" })]);
  expect(yard!.rows.map((row) => row.length)).toEqual([0, 0, 1]);
});

it("a finger hits the nearest within its reach, a click on nothing hits nothing", () => {
  const drawn = [{ x: 100, width: 8 }, { x: 130, width: 50 }];
  expect(hitAt(drawn, 112, 22)).toBe(drawn[0]);
  expect(hitAt(drawn, 125, 22)).toBe(drawn[1]);
  expect(hitAt(drawn, 150, 0)).toBe(drawn[1]);
  expect(hitAt(drawn, 115, 3)).toBeNull();
});

it("arrow keys go through a lane in time, and to the nearest in time of the next lane that has anything", () => {
  const all = lanes([visit("a", 10, 20), visit("b", 300, 310), visit("d", 250, 260, { camera_id: "door" })], [alert("n", 100)]);
  expect(newestDrawn(all)?.key).toBe("v b");
  expect(stepFrom(all, "v b", "earlier")?.key).toBe("a n");
  expect(stepFrom(all, "a n", "earlier")?.key).toBe("v a");
  expect(stepFrom(all, "v a", "earlier")).toBeNull();
  expect(stepFrom(all, "v a", "last")?.key).toBe("v b");
  expect(stepFrom(all, "v a", "below")?.key).toBe("v d");
  expect(stepFrom(all, "v d", "above")?.key).toBe("v b");
  expect(drawnOf(all, "a n")?.kind).toBe("alert");
});

// -- in words

it("a visit says who, where, when, how sure, and what each rule made of it", () => {
  const row = { rule_id: "night", reason: "cool-down", first_at: at(0), last_at: at(1), count: 2, best_confidence: 90 } as const;
  const told = { rule_id: "watch", state: "sent", alert_id: "a", frame_id: "f" } as const;
  const [item] = itemsOf(dataOf([visit("a", 0, 5, { alerts: [told], withheld: [row, { ...row, rule_id: "watch" }] })]), WINDOW, WINDOW.toMs);
  expect(sentenceOf(item!, ZONE)).toBe(
    "Person 94% at Yard, Sat 21 Nov 2026 01:00:00 to 01:05:00 CET. Watch list: told. night: no alert, told shortly before (2 frames).",
  );
});

it("a visit across a clock change says both zones; one that is open says since when", () => {
  const fromMs = Date.parse("2026-10-25T00:30:00Z");
  expect(spanWords({ fromMs, toMs: fromMs + HOUR_MS }, false, ZONE)).toBe("Sun 25 Oct 2026 02:30:00 CEST to 02:30:00 CET");
  expect(spanWords({ fromMs, toMs: fromMs + HOUR_MS }, true, ZONE)).toBe("since Sun 25 Oct 2026 02:30:00 CEST, still there");
});

it("an alert says who answered, and many say how many nobody has", () => {
  expect(answerOf(alert("a", 1, "alert", { answers: [taken] }))).toBe("Taken by Berta.");
  expect(answerOf(alert("a", 1, "alert", { answers: [{ ...taken, is_you: true }] }))).toBe("Taken by you.");
  const [yard] = lanes([], [alert("a", 10), alert("b", 12, "critical", { answers: [taken] })]);
  expect(spokenOf(yard!.marks[0]!, ZONE)).toBe("2 alerts at Yard, Sat 21 Nov 2026 01:10:00 to 01:12:00 CET, 1 not answered");
});

// -- reading

class FakeApi {
  queries: Record<string, unknown>[] = [];
  constructor(public all: Visit[], public told: Alert[] = []) {}
  async visits(query: Record<string, unknown>) {
    this.queries.push(query);
    const { rows, next } = this.page(this.all, ({ first_seen }) => first_seen, query);
    return { visits: rows, next_cursor: next };
  }
  async alerts(query: Record<string, unknown>) {
    const { rows, next } = this.page(this.told, ({ captured_at }) => captured_at, query);
    return { alerts: rows, next_cursor: next };
  }
  private page<T>(rows: T[], timeOf: (row: T) => string, { from, to, cursor, limit }: Record<string, unknown>) {
    const time = (value: unknown) => Date.parse(String(value));
    const found = rows
      .filter((row) => time(timeOf(row)) >= time(from) && (to === null || time(timeOf(row)) < time(to)))
      .sort((a, b) => time(timeOf(b)) - time(timeOf(a)));
    const skip = Number(cursor ?? 0);
    const end = skip + Number(limit);
    return { rows: found.slice(skip, end), next: found.length > end ? String(end) : null };
  }
}

const ASK: TimelineAsk = { ...WINDOW, cameras: [], label: null };
const signal = new AbortController().signal;

it("pages are followed to the end, and the visit that reaches in from before is there", async () => {
  const api = new FakeApi([visit("before", -60, 30), visit("gone", -60, -30), ...Array.from({ length: 250 }, (_, n) => visit(`v${n}`, n, n + 0.5))], [alert("a", 5)]);
  const parts: number[] = [];
  const data = await loadAll(api, ASK, signal, (part) => parts.push(part.visits.size));
  expect(data.visits.size).toBe(251);
  expect(data.visits.has("gone")).toBe(false);
  expect([data.alerts.size, data.completeFromMs]).toEqual([1, null]);
  expect(parts.length).toBeGreaterThan(2);
});

it("beyond the bound it stops, and says from when on all is there", async () => {
  const api = new FakeApi(Array.from({ length: 3000 }, (_, n) => visit(`v${n}`, n * 0.2, n * 0.2 + 0.1)));
  const data = await loadAll(api, ASK, signal, () => undefined);
  expect(data.visits.size).toBe(MAX_ITEMS);
  expect(data.completeFromMs).toBe(START_MS + 1000 * 0.2 * MINUTE_MS);
});

it("what changed since is one page of each, and too much of it is read anew", async () => {
  const api = new FakeApi(Array.from({ length: 250 }, (_, n) => visit(`v${n}`, n, n + 0.5, { open: n === 249 })));
  const before = await loadAll(api, ASK, signal, () => undefined);
  api.all[249] = visit("v249", 249, 255);
  api.all.push(visit("new", 260, 261));
  api.queries = [];
  const after = await refreshed(api, ASK, before, signal);
  expect(api.queries.length).toBe(1);
  expect([after!.visits.size, after!.visits.get("v249")!.open]).toEqual([251, false]);
  api.all.push(...Array.from({ length: 330 }, (_, n) => visit(`late${n}`, 262 + n, 262.5 + n)));
  expect(await refreshed(api, ASK, before, signal)).toBeNull();
});

it("a page that stays open all shift does not grow without end", async () => {
  const full = dataOf(Array.from({ length: MAX_ITEMS + 90 }, (_, n) => visit(`v${n}`, n * 0.1, n * 0.1)));
  const api = new FakeApi([...full.visits.values(), ...Array.from({ length: 40 }, (_, n) => visit(`new${n}`, 300 + n, 301 + n))]);
  const after = await refreshed(api, ASK, full, signal);
  expect(after!.visits.size).toBe(MAX_ITEMS);
  expect(after!.completeFromMs).toBe(Math.min(...[...after!.visits.values()].map(({ first_seen }) => Date.parse(first_seen))));
});

it("nothing known and nothing there is nothing, not a failure", async () => {
  expect(await refreshed(new FakeApi([]), ASK, NOTHING_READ, signal)).toEqual(NOTHING_READ);
});

// -- density

it("steps are the API's own, few enough, and none is longer than what it allows", () => {
  const step = (spanMs: number) => densityQuery({ fromMs: START_MS + 1, toMs: START_MS + 1 + spanMs }, ["yard"]);
  expect(step(MINUTE_MS)).toEqual({ from: "2026-11-21T00:00:00Z", to: "2026-11-21T00:10:00Z", step: 600, camera: ["yard"] });
  expect([step(DAY_MS).step, step(7 * DAY_MS).step, step(31 * DAY_MS).step]).toEqual([600, 3600, 86_400]);
});

it("the skyline is cut at the window, on one scale for all cameras, and a day of a clock change has its own width", () => {
  const bucket = (hour: number, frames: number) => ({ at: at(hour * 60), frames, by_gate_reason: {}, by_label: { Person: 1 }, watch_frames: 2, edge: null });
  const stats = {
    from: at(0),
    to: at(600),
    step_s: 3600,
    counted_until: null,
    cameras: [{ camera_id: "yard", buckets: [bucket(-1, 9), bucket(0, 100), bucket(9, 25)] }, { camera_id: "door", buckets: [bucket(1, 4)] }],
  };
  const drawn = skylines(stats as never, null, WINDOW, 1000, 100);
  expect(drawn.get("yard")!.frames).toBe("M0.0 100V20.0H100.0V100ZM900.0 100V60.0H1000.0V100Z");
  expect(drawn.get("door")!.frames).toBe("M100.0 100V84.0H200.0V100Z");
  expect(skylines(stats as never, "person", WINDOW, 1000, 100).get("door")!.labelled).toBe("M100.0 100V92.0H200.0V100Z");
});
