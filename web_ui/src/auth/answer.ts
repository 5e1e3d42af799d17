import type { Attempt, TabMemory } from "./tabMemory";

/** What the provider sent back by way of the address bar. */
export interface Answer {
  params: URLSearchParams;
  /** The attempt that this tab made and this answers; null for an answer to a question that nobody here asked. */
  attempt: Attempt | null;
}

interface Address {
  origin: string;
  search: string;
}

/**
 * Takes the provider's answer, if there is one, out of the address bar and the history, at once and before anything is loaded:
 * a code must not be left where it can be read or sent again. Puts the view that asked for the sign-in in its place.
 */
export function takeAnswer(address: Address, history: Pick<History, "replaceState">, memory: TabMemory): Answer | null {
  const params = new URLSearchParams(address.search);
  if (!params.has("code") && !params.has("error")) return null;
  const attempt = takeAttempt(memory, params.get("state"));
  history.replaceState(null, "", (attempt && safeReturnTarget(attempt.returnTo, address.origin)) ?? "/");
  return { params, attempt };
}

/** An attempt is good for one answer. */
function takeAttempt(memory: TabMemory, state: string | null): Attempt | null {
  try {
    const { attempt, ...rest } = memory.read();
    if (!attempt || attempt.state !== state) return null;
    memory.write(rest);
    return attempt;
  } catch {
    return null; // no storage, so nothing was asked from here; the session says so
  }
}

/** Path, query and fragment on this origin; null for anything that leads elsewhere. */
export function safeReturnTarget(target: string, origin: string): string | null {
  // "//host" and "/\host" are other hosts; "javascript:" and "https:" do not begin with a slash.
  if (!/^\/(?![/\\])/.test(target)) return null;
  const url = URL.canParse(target, origin) ? new URL(target, origin) : null;
  return url?.origin === origin ? url.pathname + url.search + url.hash : null;
}
