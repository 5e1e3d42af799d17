import { createContext } from "preact";
import { useCallback, useContext, useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { ApiClient } from "../api/client";
import type { Me, Role, Site } from "../api/types";
import { ConnectionBoard, type ConnectionState } from "../state/connection";
import { Poll, type PollState } from "../state/poll";
import { routeFromSearch, searchOf, type Route, type View } from "../state/route";

export interface App {
  client: ApiClient;
  site: Site;
  me: Me;
  /** IANA name; every time on the page is in it. */
  zone: string;
  serverNow: () => number;
  connection: ConnectionBoard;
  /** Runs on one machine, where nothing is billed. */
  demo: boolean;
}

export const AppContext = createContext<App | null>(null);

export function useApp(): App {
  const app = useContext(AppContext);
  if (!app) throw new Error("outside of the app");
  return app;
}

const ROLES: readonly Role[] = ["viewer", "operator", "admin"];

/** Whether whoever is signed in may do what needs this role. The API decides; this is what the page offers. */
export function may(me: Me, role: Role): boolean {
  return ROLES.indexOf(me.role) >= ROLES.indexOf(role);
}

/** Fires when this page changes its own address; popstate tells of the rest. */
const MOVED = "framewatch:moved";

/** Goes to a view. `replace` where going back should not lead here: a slider, a scroll. */
export function navigate(search: string, { replace = false } = {}): void {
  const url = location.pathname + search;
  if (url === location.pathname + location.search) return;
  if (replace) history.replaceState(null, "", url);
  else history.pushState(null, "", url);
  window.dispatchEvent(new Event(MOVED));
}

export function useRoute(): Route {
  const [search, setSearch] = useState(() => location.search);
  useEffect(() => {
    const moved = () => setSearch(location.search);
    window.addEventListener(MOVED, moved);
    window.addEventListener("popstate", moved);
    return () => {
      window.removeEventListener(MOVED, moved);
      window.removeEventListener("popstate", moved);
    };
  }, []);
  return useMemo(() => routeFromSearch(search), [search]);
}

/** What an <a> to a view needs: a real address, and no reload on a plain click. */
export function linkTo(view: View, params: Parameters<typeof searchOf>[1] = {}): { href: string; onClick: (event: MouseEvent) => void } {
  const search = searchOf(view, params);
  return {
    href: `/${search}`,
    onClick: (event) => {
      if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
      event.preventDefault();
      navigate(search);
      window.scrollTo(0, 0);
    },
  };
}

/** Asks anew while the component is shown, and at once when `key` changes; what another key brought is not shown for it. */
export function usePoll<T>(
  key: string,
  everyMs: number,
  ask: (signal: AbortSignal) => Promise<T>,
): PollState<T> & { again: () => void } {
  const { connection, serverNow } = useApp();
  const asking = useRef(ask);
  asking.current = ask;
  const [state, setState] = useState<PollState<T> & { key: string }>({ key, ...NOTHING });
  const poll = useRef<Poll<T> | null>(null);
  const again = useCallback(() => poll.current?.again(), []);
  // Before what is there so far is painted: asking takes longer than painting.
  useLayoutEffect(() => {
    const source = Symbol(key);
    const own = new Poll<T>({
      ask: (signal) => asking.current(signal),
      everyMs,
      serverNow,
      onChange: (next) => {
        setState({ key, ...next });
        connection.report(source, { ...next, retry: () => own.again() });
      },
    });
    poll.current = own;
    const onVisible = () => own.setVisible(!document.hidden);
    const onOnline = () => own.again();
    onVisible();
    own.start();
    document.addEventListener("visibilitychange", onVisible);
    window.addEventListener("online", onOnline);
    return () => {
      own.stop();
      connection.forget(source);
      document.removeEventListener("visibilitychange", onVisible);
      window.removeEventListener("online", onOnline);
    };
  }, [key, everyMs, connection, serverNow]);
  return { ...(state.key === key ? state : NOTHING), again };
}

const NOTHING: PollState<never> = { data: null, problem: null, nextTryMs: null, lastOkMs: null };

export function useConnection(): ConnectionState {
  const { connection } = useApp();
  const [state, setState] = useState(connection.state);
  useEffect(() => connection.subscribe(() => setState(connection.state)), [connection]);
  return state;
}
