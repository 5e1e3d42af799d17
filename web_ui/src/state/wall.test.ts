import { describe, expect, test } from "vitest";
import type { Alert, CameraState, CameraStatus } from "../api/types";
import {
  alertsThatFit,
  countMoods,
  gridFor,
  groupsOf,
  moodOf,
  neighbour,
  SMALLEST_PICTURE_PX,
  unansweredQuery,
  waitingAlerts,
  wallAddress,
  withParams,
} from "./wall";

const NOW = Date.parse("2026-11-21T20:00:00Z");
const at = (ageS: number) => new Date(NOW - ageS * 1000).toISOString();
const picture = (ageS: number, storedAgeS = ageS) => ({ captured_at: at(ageS), stored_at: at(storedAgeS) });

describe("mood", () => {
  test("a picture is stale after a minute, whatever the camera's box says", () => {
    expect(moodOf("online", picture(60), NOW)).toBe("live");
    expect(moodOf("online", picture(61), NOW)).toBe("stale");
    expect(moodOf("unknown", picture(61), NOW)).toBe("stale");
  });

  test("a camera whose clock is ahead goes stale like any other", () => {
    expect(moodOf("online", picture(-3600, 30), NOW)).toBe("live");
    expect(moodOf("online", picture(-3600, 61), NOW)).toBe("stale");
  });

  test("an old picture that was delivered just now is old", () => {
    expect(moodOf("online", picture(600, 1), NOW)).toBe("stale");
  });

  test("a camera with a trouble is offline however young its picture", () => {
    for (const state of ["stalled", "reconnecting", "auth-failed", "not-found", "silent"] as CameraState[]) {
      expect(moodOf(state, picture(1), NOW)).toBe("offline");
    }
    expect(moodOf("disabled", picture(1), NOW)).toBe("off");
    expect(moodOf("ended", null, NOW)).toBe("off");
    expect(moodOf("unknown", null, NOW)).toBe("never");
  });

  test("each camera is counted once", () => {
    const camera = (state: CameraState, ageS: number | null) =>
      ({ state, newest_frame: ageS === null ? null : picture(ageS) }) as CameraStatus;
    const counts = countMoods([camera("online", 1), camera("online", 90), camera("silent", 90), camera("unknown", null)], NOW);
    expect(counts).toEqual({ live: 1, stale: 1, offline: 1, never: 1, off: 0 });
  });
});

describe("grid", () => {
  const rowsOf = (count: number, columns: number) => Math.ceil(count / columns);

  test("every count from 1 to 64 fits full HD and 4K without scrolling, with pictures that can be seen", () => {
    for (const room of [
      { widthPx: 1880, heightPx: 900 },
      { widthPx: 3780, heightPx: 1960 },
    ]) {
      for (let count = 1; count <= 64; count += 1) {
        const { columns, rowPx } = gridFor(count, room, 30, 8);
        expect(rowPx, `${count}`).not.toBeNull();
        const rows = rowsOf(count, columns);
        expect(rows * rowPx! + 8 * (rows - 1), `${count}`).toBeLessThanOrEqual(room.heightPx);
        expect(columns * rows - count, `${count}`).toBeLessThan(columns);
      }
    }
  });

  test("two cameras lie side by side on a wide screen and above each other on a tall one", () => {
    expect(gridFor(2, { widthPx: 1900, heightPx: 900 }, 30, 8).columns).toBe(2);
    expect(gridFor(2, { widthPx: 900, heightPx: 1500 }, 30, 8).columns).toBe(1);
    expect(gridFor(9, { widthPx: 1900, heightPx: 1000 }, 30, 8).columns).toBe(3);
  });

  test("where pictures would be too small to see anything the wall scrolls", () => {
    const grid = gridFor(64, { widthPx: 800, heightPx: 500 }, 30, 8);
    expect(grid).toEqual({ columns: 3, rowPx: null });
    expect(gridFor(1, { widthPx: SMALLEST_PICTURE_PX - 1, heightPx: 500 }, 30, 8)).toEqual({ columns: 1, rowPx: null });
  });

  test("arrow keys go to the tile beside, above and below, and not over the edge", () => {
    expect(["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "a"].map((key) => neighbour(4, key, 3, 8))).toEqual([3, 5, 1, 7, null]);
    expect(neighbour(0, "ArrowLeft", 3, 8)).toBeNull();
    expect(neighbour(5, "ArrowDown", 3, 8)).toBeNull();
  });
});

test("the address says group and boxes, and keeps what it does not know", () => {
  expect(wallAddress(new URLSearchParams())).toEqual({ group: null, boxes: true });
  expect(wallAddress(new URLSearchParams("group=yard&boxes=off"))).toEqual({ group: "yard", boxes: false });
  expect(String(withParams(new URLSearchParams("group=yard&x=1"), { group: null, boxes: "off" }))).toBe("x=1&boxes=off");
});

test("groups come in the order of the site file, with how many cameras each has", () => {
  const cameras = ["b", null, "a", "b"].map((group) => ({ group }));
  expect(groupsOf(cameras)).toEqual([
    { name: "b", cameras: 2 },
    { name: "a", cameras: 1 },
  ]);
});

test("what waits are alerts that nobody answered, without notices, as many as fit", () => {
  const alert = (alert_id: string, more: Partial<Alert> = {}) => ({ alert_id, severity: "alert", answers: [], ...more }) as unknown as Alert;
  const taken = { kind: "taken", at: at(1), by: "user:bo", name: "bo", is_you: false } as const;
  const all = [alert("n", { severity: "notice" }), alert("t", { answers: [taken] }), ...["a", "b", "c", "d", "e"].map((id) => alert(id))];
  const { shown, more } = waitingAlerts(all, 4, false);
  expect(shown.map(({ alert_id }) => alert_id)).toEqual(["a", "b", "c", "d"]);
  expect(more).toBe(1);
  expect([20, 80, 118, 999].map((widthRem) => alertsThatFit(widthRem, false))).toEqual([1, 2, 4, 6]);
  expect(alertsThatFit(20, true)).toBe(2);
  expect(unansweredQuery(NOW + 1_234)).toEqual({ answered: "false", from: "2026-11-20T20:00:00Z", limit: 20 });
});
