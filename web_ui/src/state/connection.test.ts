import { expect, it } from "vitest";
import { ApiProblem } from "../api/client";
import { ConnectionBoard } from "./connection";

const away = (lastOkMs: number, retry = () => undefined) => ({
  problem: new ApiProblem("unreachable", "no"),
  nextTryMs: null,
  lastOkMs,
  retry,
});
const well = { problem: null, nextTryMs: null, lastOkMs: 9, retry: () => undefined };

it("shows what has waited longest", () => {
  const board = new ConnectionBoard();
  board.report(Symbol(), away(7));
  board.report(Symbol(), away(3));
  expect(board.state.trouble?.lastOkMs).toBe(3);
});

it("counts the times that everything came back", () => {
  const board = new ConnectionBoard();
  const [one, two] = [Symbol(), Symbol()];
  board.report(one, away(1));
  board.report(two, away(2));
  board.report(one, well);
  expect(board.state.epoch).toBe(0);
  board.report(two, well);
  expect(board.state).toEqual({ trouble: null, epoch: 1 });
});

it("does not take a view that was left for an API that came back", () => {
  const board = new ConnectionBoard();
  const only = Symbol();
  board.report(only, away(1));
  board.forget(only);
  expect(board.state).toEqual({ trouble: null, epoch: 0 });
});

it("tries again only what failed", () => {
  const board = new ConnectionBoard();
  let tries = 0;
  board.report(Symbol(), away(1, () => void (tries += 1)));
  board.report(Symbol(), { ...well, retry: () => void (tries += 100) });
  board.retryAll();
  expect(tries).toBe(1);
});
