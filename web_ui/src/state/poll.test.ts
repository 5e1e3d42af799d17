import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { ApiProblem } from "../api/client";
import { Poll, type PollState } from "./poll";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function polling(answers: (() => Promise<string>)[]) {
  const seen: PollState<string>[] = [];
  let asked = 0;
  const poll = new Poll<string>({
    ask: () => answers[Math.min(asked++, answers.length - 1)]!(),
    everyMs: 4_000,
    serverNow: () => 1_000,
    onChange: (state) => seen.push(state),
    random: () => 0,
  });
  return { poll, seen, asked: () => asked };
}

const good = (word: string) => () => Promise.resolve(word);
const bad = (kind: "unreachable" | "refused") => () => Promise.reject(new ApiProblem(kind, "no"));

it("asks again after a while, and keeps what came last", async () => {
  const { poll, asked } = polling([good("a"), good("b")]);
  poll.start();
  await vi.advanceTimersByTimeAsync(0);
  expect(poll.state.data).toBe("a");
  await vi.advanceTimersByTimeAsync(4_000);
  expect(poll.state.data).toBe("b");
  expect(asked()).toBe(2);
});

it("keeps the last good answer through an outage, waits longer each time, and recovers by itself", async () => {
  const { poll, asked } = polling([good("a"), bad("unreachable"), bad("unreachable"), good("b")]);
  poll.start();
  await vi.advanceTimersByTimeAsync(4_000);
  expect(poll.state).toMatchObject({ data: "a", lastOkMs: 1_000 });
  expect(poll.state.problem?.kind).toBe("unreachable");
  await vi.advanceTimersByTimeAsync(1_000);
  expect(asked()).toBe(3);
  await vi.advanceTimersByTimeAsync(1_999);
  expect(asked()).toBe(3);
  await vi.advanceTimersByTimeAsync(1);
  expect(poll.state).toMatchObject({ data: "b", problem: null });
});

it("asks rarely what was refused", async () => {
  const { poll, asked } = polling([bad("refused")]);
  poll.start();
  await vi.advanceTimersByTimeAsync(29_000);
  expect(asked()).toBe(1);
});

it("asks nothing in a tab that nobody sees, and at once when it is seen again", async () => {
  const { poll, asked } = polling([good("a")]);
  poll.start();
  await vi.advanceTimersByTimeAsync(0);
  poll.setVisible(false);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(asked()).toBe(1);
  poll.setVisible(true);
  await vi.advanceTimersByTimeAsync(0);
  expect(asked()).toBe(2);
});

it("says nothing after it was stopped", async () => {
  const { poll, seen } = polling([() => new Promise((resolve) => setTimeout(() => resolve("late"), 500))]);
  poll.start();
  poll.stop();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(seen).toEqual([]);
});
