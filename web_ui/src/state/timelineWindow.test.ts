import { expect, it } from "vitest";
import {
  around,
  centred,
  DAY_MS,
  DEFAULT_RANGE,
  holdsNow,
  HOUR_MS,
  MAX_SPAN_MS,
  MIN_SPAN_MS,
  MINUTE_MS,
  panned,
  readTimeline,
  searchOfTimeline,
  windowOf,
  zoomed,
  type TimelineAddress,
} from "./timelineWindow";

const NOW_MS = Date.parse("2026-11-21T12:00:00Z");
const read = (search: string) => readTimeline(new URLSearchParams(search), NOW_MS);
const fixed = (from: string, to: string) => ({ kind: "fixed" as const, fromMs: Date.parse(from), toMs: Date.parse(to) });

it("every state survives the address and back", () => {
  const states: TimelineAddress[] = [
    { range: DEFAULT_RANGE, cameras: [], label: null },
    { range: { kind: "last", spanMs: 90 * MINUTE_MS }, cameras: ["yard", "front-door"], label: "Person" },
    { range: { kind: "last", spanMs: 61_000 }, cameras: [], label: "a&b=c <i>#?+ ñ" },
    { range: fixed("2026-10-25T00:30:00Z", "2026-10-25T01:30:00.250Z"), cameras: [], label: null },
  ];
  for (const address of states) {
    const search = searchOfTimeline(address);
    const back = read(search);
    expect(searchOfTimeline(back.address)).toBe(searchOfTimeline(read(searchOfTimeline(back.address)).address));
    expect(back.ignored).toEqual([]);
    if (address.range.kind === "last" || (address.range.toMs - address.range.fromMs) % 1000 === 0) expect(back.address).toEqual(address);
  }
  expect(searchOfTimeline({ range: DEFAULT_RANGE, cameras: [], label: null })).toBe("?view=timeline");
  expect(searchOfTimeline({ range: { kind: "last", spanMs: 7 * DAY_MS }, cameras: [], label: null })).toBe("?view=timeline&last=7d");
});

it("what zooming and moving make survives the address as well", () => {
  let { range } = read("from=2026-11-20T03:17:13.123Z&to=2026-11-20T09:00:00Z").address;
  for (let step = 0; step < 40; step += 1) {
    range = zoomed(range, step % 3 ? 0.63 : 1.9, Date.parse("2026-11-20T04:00:00.777Z"), NOW_MS);
    expect(read(searchOfTimeline({ range, cameras: [], label: null })).address.range).toEqual(range);
    range = panned(range, -1_234_567, NOW_MS);
    expect(read(searchOfTimeline({ range, cameras: [], label: null })).address.range).toEqual(range);
  }
});

it("what cannot be read is named and left out; more than a month is cut at its start and said", () => {
  expect(read("from=yesterday&last=2y")).toMatchObject({ address: { range: DEFAULT_RANGE }, ignored: ["from", "last"] });
  expect(read("from=2026-11-21T11:00:00Z&to=2026-11-21T10:00:00Z").ignored).toEqual(["from", "to"]);
  const year = read("from=2025-11-21T00:00:00Z&to=2026-11-21T00:00:00Z");
  expect(year.shortened).toBe(true);
  expect(windowOf(year.address.range, NOW_MS)).toEqual({ fromMs: Date.parse("2026-10-21T00:00:00Z"), toMs: Date.parse("2026-11-21T00:00:00Z") });
  expect(read("last=90d")).toMatchObject({ shortened: true, address: { range: { kind: "last", spanMs: MAX_SPAN_MS } } });
  expect(read("from=0001-01-01T00:00:00Z").ignored).toEqual(["from"]);
});

it("one end alone shows a day from there", () => {
  expect(read("from=2026-11-01T00:00:00Z").address.range).toEqual(fixed("2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z"));
  expect(read("to=2026-11-02T00:00:00Z").address.range).toEqual(fixed("2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z"));
  expect(read("from=2026-11-21T11:00:00Z").address.range).toEqual(fixed("2026-11-21T11:00:00Z", "2026-11-21T12:00:00Z"));
});

it("zooming keeps the moment under the pointer where it is", () => {
  const range = fixed("2026-11-20T00:00:00Z", "2026-11-20T10:00:00Z");
  const about = Date.parse("2026-11-20T02:30:00Z");
  const { fromMs, toMs } = windowOf(zoomed(range, 0.5, about, NOW_MS), NOW_MS);
  expect(toMs - fromMs).toBe(5 * HOUR_MS);
  expect((about - fromMs) / (toMs - fromMs)).toBeCloseTo(0.25);
});

it("from a month to a minute and no further", () => {
  const at = Date.parse("2026-10-01T00:00:00Z");
  let range = centred(DEFAULT_RANGE, at, NOW_MS);
  for (let n = 0; n < 40; n += 1) range = zoomed(range, 0.5, at, NOW_MS);
  expect(range).toMatchObject({ kind: "fixed", fromMs: at - MIN_SPAN_MS / 2, toMs: at + MIN_SPAN_MS / 2 });
  for (let n = 0; n < 40; n += 1) range = zoomed(range, 2, at, NOW_MS);
  const { fromMs, toMs } = windowOf(range, NOW_MS);
  expect(toMs - fromMs).toBe(MAX_SPAN_MS);
});

it("what is pulled up to now follows it, and what is pulled away no longer does", () => {
  const past = panned(DEFAULT_RANGE, -HOUR_MS, NOW_MS);
  expect(past).toEqual({ kind: "fixed", fromMs: NOW_MS - DAY_MS - HOUR_MS, toMs: NOW_MS - HOUR_MS });
  expect(holdsNow(past, NOW_MS)).toBe(false);
  expect(panned(past, 2 * HOUR_MS, NOW_MS)).toEqual(DEFAULT_RANGE);
  expect(zoomed(DEFAULT_RANGE, 0.5, NOW_MS, NOW_MS)).toEqual({ kind: "last", spanMs: DAY_MS / 2 });
  expect(zoomed(DEFAULT_RANGE, 0.5, NOW_MS - DAY_MS, NOW_MS).kind).toBe("fixed");
});

it("a group of things is shown with room around it, a short one in a minute", () => {
  const at = Date.parse("2026-11-20T02:00:00Z");
  expect(around({ fromMs: at, toMs: at + HOUR_MS }, NOW_MS)).toEqual({ kind: "fixed", fromMs: at - HOUR_MS / 4, toMs: at + 1.25 * HOUR_MS });
  expect(windowOf(around({ fromMs: at, toMs: at + 10 }, NOW_MS), NOW_MS)).toEqual({ fromMs: at + 5 - MINUTE_MS / 2, toMs: at + 5 + MINUTE_MS / 2 });
});
