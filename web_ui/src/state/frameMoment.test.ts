import { describe, expect, it } from "vitest";
import type { Alert, Label, Trace, Visit } from "../api/types";
import { claimsOf, fileNameOf, foundOf, momentOf, nearestOf, paramsOf, stagesOf, stripOf } from "./frameMoment";
import { searchOf } from "./route";
import { frameOf, numbers } from "./testing";

const asked = (search: string) => momentOf(new URLSearchParams(search));

describe("the address of a frame", () => {
  it("is read back as it is written", () => {
    const frame = frameOf(1, { captured_at: "2026-11-21T12:00:01.123456Z" });
    const params = paramsOf(frame, { boxes: false, zones: true });
    expect(asked(searchOf("frame", params))).toEqual({ camera: "cam", at: frame.captured_at, id: frame.frame_id });
    expect(params).toMatchObject({ boxes: "off", zones: "on" });
  });

  it.each(["", "camera=a", "at=2026-11-21T12:00:00Z", "camera=a&at=yesterday", "camera=a&at=2026-11-21T12:00:00", "camera=a&at=2026-13-41T12:00:00Z"])(
    "%j names no frame",
    (search) => expect(asked(search)).toBeNull(),
  );

  it("finds the frame by its id, or says what else was captured then", () => {
    const pair = [frameOf(2), frameOf(1)];
    expect(foundOf(pair, pair[0]!.frame_id)).toEqual({ kind: "found", frame: pair[0] });
    expect(foundOf(pair, "wrong")).toEqual({ kind: "other", frame: pair[1] });
    expect(foundOf(pair, null)).toEqual({ kind: "found", frame: pair[1] });
    expect(foundOf([], "any")).toEqual({ kind: "gone" });
  });
});

it("neighbours stand from old to new around the one shown, each once", () => {
  const around = { before: [frameOf(4), frameOf(3)], after: [frameOf(5), frameOf(6), frameOf(7)] };
  expect(numbers(stripOf(around, frameOf(5)))).toEqual([3, 4, 5, 6, 7]);
  expect(numbers(stripOf(around, null))).toEqual([3, 4, 5, 6, 7]);
});

it("a time without a frame leads to the nearest one, unless that is another moment altogether", () => {
  const at = frameOf(100).captured_at;
  expect(nearestOf({ before: [frameOf(97), frameOf(96)], after: [frameOf(102)] }, at)).toEqual(frameOf(102));
  expect(nearestOf({ before: [frameOf(99)], after: [] }, at)).toEqual(frameOf(99));
  expect(nearestOf({ before: [], after: [frameOf(221)] }, at)).toBeNull();
});

it("a file is named by camera and site time, also in the doubled hour", () => {
  const at = (captured_at: string) => fileNameOf(frameOf(1, { camera_id: "front-door", captured_at }), "Europe/Madrid");
  expect(at("2026-10-25T00:30:05Z")).toBe("front-door_2026-10-25_02-30-05_CEST.jpg");
  expect(at("2026-10-25T01:30:05Z")).toBe("front-door_2026-10-25_02-30-05_CET.jpg");
});

it("a frame belongs to the alerts it made and to the visits of what it shows", () => {
  const label = { name: "Car", aliases: ["Automobile"], parents: ["Vehicle"] } as Partial<Label> as Label;
  const frame = frameOf(60, { labels: [label] });
  const alert = (frame_id: string) => ({ frame_id }) as Alert;
  const visit = (camera_id: string, name: string, first: number, last: number) =>
    ({ camera_id, label: name, first_seen: frameOf(first).captured_at, last_seen: frameOf(last).captured_at }) as Visit;
  const inside = visit("cam", "vehicle", 50, 60);
  const others = [visit("cam", "Person", 50, 70), visit("gate", "Car", 50, 70), visit("cam", "Car", 61, 70), visit("cam", "Car", 40, 59)];
  expect(claimsOf(frame, [alert(frame.frame_id), alert("other")], [inside, ...others])).toEqual({
    alerts: [alert(frame.frame_id)],
    visits: [inside],
  });
});

describe("the way of an alert", () => {
  const trace: Trace = {
    captured_at: "2026-11-21T12:00:00.000000Z",
    arrived_at: "2026-11-21T12:00:00.400000Z",
    received_at: "2026-11-21T12:00:00.350000Z",
    labelled_at: "2026-11-21T12:00:00.900000Z",
    stored_at: "2026-11-21T12:00:01.000000Z",
    decided_at: "2026-11-21T12:00:01.100000Z",
    published_at: "2026-11-21T12:00:01.500000Z",
  };
  it("is told in stages, none of them shorter than nothing", () => {
    const { stages, wholeMs } = stagesOf(trace);
    expect(stages.map(({ ms }) => ms)).toEqual([400, 0, 550, 100, 100, 400]);
    expect(wholeMs).toBe(1500);
  });
  it("has no whole without a text, and joins stages over a point that nobody knows", () => {
    const { stages, wholeMs } = stagesOf({ ...trace, received_at: null, labelled_at: null, published_at: null });
    expect(stages.map(({ from, to }) => `${from}-${to}`)).toEqual(["captured-arrived", "arrived-stored", "stored-decided"]);
    expect(wholeMs).toBeNull();
  });
});
