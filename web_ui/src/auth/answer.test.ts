import { expect, it } from "vitest";
import { safeReturnTarget, takeAnswer } from "./answer";
import { FakeStorage, ORIGIN } from "./testing";
import { TabMemory } from "./tabMemory";

const ATTEMPT = { state: "s1", nonce: "n1", codeVerifier: "v1", returnTo: "/?camera=yard&last=24h#frames" };

function arrive(search: string, returnTo = ATTEMPT.returnTo) {
  const storage = new FakeStorage();
  const memory = new TabMemory(() => storage as unknown as Storage);
  memory.write({ attempt: { ...ATTEMPT, returnTo } });
  const shown: string[] = [];
  const history = { replaceState: (_data: unknown, _unused: string, url?: string | URL | null) => void shown.push(String(url)) };
  return { answer: takeAnswer({ origin: ORIGIN, search }, history, memory), shown, memory };
}

it("the answer leaves the address at once and the view that asked comes back", () => {
  const { answer, shown } = arrive("?code=c1&state=s1");
  expect(answer?.params.get("code")).toBe("c1");
  expect(answer?.attempt?.codeVerifier).toBe("v1");
  expect(shown).toEqual(["/?camera=yard&last=24h#frames"]);
});

it("an answer with another state belongs to no attempt, and leaves the attempt that waits alone", () => {
  const { answer, shown, memory } = arrive("?code=c1&state=s2");
  expect(answer?.attempt).toBeNull();
  expect(shown).toEqual(["/"]);
  expect(memory.read().attempt).toEqual(ATTEMPT);
});

it("an answer without any state belongs to no attempt", () => {
  expect(arrive("?code=c1").answer?.attempt).toBeNull();
  expect(arrive("?error=invalid_request").answer?.attempt).toBeNull();
});

it("an attempt is good for one answer", () => {
  expect(arrive("?code=c1&state=s1").memory.read().attempt).toBeUndefined();
});

it("a view's own address is no answer", () => {
  const { answer, shown } = arrive("?camera=yard&label=code");
  expect(answer).toBeNull();
  expect(shown).toEqual([]);
});

it("an address that leads elsewhere is not returned to", () => {
  expect(arrive("?code=c1&state=s1", "https://elsewhere.example/").shown).toEqual(["/"]);
  for (const target of [
    "https://elsewhere.example/",
    "//elsewhere.example/",
    "/\\elsewhere.example/",
    "\\\\elsewhere.example",
    "/\t/elsewhere.example/",
    "javascript:alert(1)",
    "data:text/html,x",
    "elsewhere",
    "",
    `${ORIGIN}.elsewhere.example/`,
  ]) {
    expect(safeReturnTarget(target, ORIGIN), target).toBeNull();
  }
  expect(safeReturnTarget("/?label=a//b&x=https://elsewhere.example#y", ORIGIN)).toBe("/?label=a//b&x=https://elsewhere.example#y");
});
