import { render, type ComponentType } from "preact";
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { ApiClient, ApiProblem, isAbort, loadConfig } from "./api/client";
import type { Me, RuntimeConfig, Site } from "./api/types";
import { AppContext, type App } from "./app/context";
import { applyTheme } from "./app/settings";
import { takeAnswer, type Answer } from "./auth/answer";
import { Provider, SignInMisconfigured } from "./auth/provider";
import { Session, type SessionState } from "./auth/session";
import { TabMemory } from "./auth/tabMemory";
import { backoffMs } from "./state/backoff";
import { ConnectionBoard } from "./state/connection";
import { routeFromSearch } from "./state/route";
import { strings } from "./strings";
import { ServerClock } from "./time/serverClock";
import { isTimeZone } from "./time/zone";
import { Banner } from "./ui/Banner";
import { Header } from "./ui/Header";
import { Shell } from "./ui/Shell";
import { SignInPage } from "./ui/SignInPage";
import { LOADERS } from "./views/registry";
import { askAheadForWall } from "./views/wall/ahead";

interface Opened {
  config: RuntimeConfig;
  client: ApiClient;
  /** null where the site asks for no sign-in. */
  session: Session | null;
}

/** Who waits longer for the configuration is shown that. */
const DRAW_WITHOUT_CONFIG_MS = 100;

interface BootTrouble {
  problem: ApiProblem;
  nextTryMs: number | null;
}

type DemoPanel = ComponentType<{ smsUrl: string; zone: string }>;

/** Raises ApiProblem or SignInMisconfigured. */
async function openSession(
  asked: Promise<RuntimeConfig>,
  clock: ServerClock,
  memory: TabMemory,
  answer: Answer | null,
  onChange: (state: SessionState) => void,
): Promise<Opened> {
  const config = await asked;
  if (!config.sign_in) return { config, client: new ApiClient(config.api_base, undefined, clock), session: null };
  const session = new Session({
    provider: new Provider(config.sign_in, location.origin, clock),
    memory,
    otherTabs: new BroadcastChannel("framewatch.session"),
    onChange,
    navigate: (url) => location.assign(url),
    here: () => location.pathname + location.search + location.hash,
  });
  const [navigation] = performance.getEntriesByType("navigation") as PerformanceNavigationTiming[];
  await session.open(answer, navigation?.type === "back_forward");
  window.addEventListener("pageshow", ({ persisted }) => persisted && session.restored());
  return { config, client: new ApiClient(config.api_base, undefined, clock, session), session };
}

/** What a site that asks for no sign-in lets everybody do. */
const NOBODY: Me = { name: "", role: "viewer", seen_until: null };

async function loadApp({ config, client, session }: Opened): Promise<App> {
  // What the first view asks for need not wait for what the page needs.
  const { view, params } = routeFromSearch(location.search);
  if (view === "wall") askAheadForWall(client, params);
  const asked = Promise.all([client.site(), session ? client.me() : NOBODY]);
  // A browser's first word about times takes it tens of milliseconds: better while the answers are on their way.
  isTimeZone("UTC");
  const [site, me]: [Site, Me] = await asked;
  if (!isTimeZone(site.time_zone)) throw new ApiProblem("failing", `Unknown time zone ${site.time_zone}`);
  const connection = new ConnectionBoard();
  return { client, site, me, zone: site.time_zone, serverNow: () => client.serverNow(), connection, demo: Boolean(config.demo) };
}

interface RootProps {
  /** The configuration, asked for anew with each call but the first. */
  config: () => Promise<RuntimeConfig>;
  clock: ServerClock;
  memory: TabMemory;
  answer: Answer | null;
}

function Root({ config, clock, memory, answer }: RootProps) {
  const [opened, setOpened] = useState<Opened | null>(null);
  const [sessionState, setSessionState] = useState<SessionState | null>(null);
  const [app, setApp] = useState<App | null>(null);
  const [DemoPanel, setDemoPanel] = useState<DemoPanel | null>(null);

  const signedIn = sessionState?.kind === "signedIn";
  const mayAsk = opened !== null && (opened.session === null || signedIn);
  const open = useCallback(async () => {
    try {
      setOpened(await openSession(config(), clock, memory, answer, setSessionState));
    } catch (error) {
      if (!(error instanceof SignInMisconfigured)) throw error;
      setSessionState({ kind: "stopped", why: "misconfigured", detail: error.message });
    }
  }, []);
  const askApp = useCallback(async () => opened && setApp(await loadApp(opened)), [opened]);
  const { trouble, retry } = useTrying(opened ? (mayAsk && !app ? askApp : null) : open);

  useEffect(() => {
    if (!opened?.config.demo || !app) return;
    // Only a demo fetches the phone; production never loads it.
    void import("./demo/PhonePanel").then((module) => setDemoPanel(() => module.PhonePanel));
  }, [opened, app]);

  if (sessionState && sessionState.kind !== "signedIn") {
    const session = opened?.session;
    return (
      <SignInPage
        state={sessionState}
        onSignIn={() => (session ? void session.signIn() : location.reload())}
        onRetry={() => void session?.retry()}
        onSignOut={() => session?.signOut()}
      />
    );
  }
  const account = sessionState && { who: sessionState.who, onSignOut: () => opened?.session?.signOut() };
  if (!opened || !app) {
    return (
      <>
        <header class="header">
          <Header site={null} account={account} serverNow={Date.now} />
          {trouble && (
            <Banner problem={trouble.problem} nextTryMs={trouble.nextTryMs} lastOkMs={null} zone={null} onRetry={retry} />
          )}
        </header>
        {/* An empty dashboard is shown only to those who may see the full one. */}
        <main aria-busy="true">{!trouble && mayAsk && <p class="view-loading hint">{strings.status.connecting}</p>}</main>
      </>
    );
  }
  const { demo } = opened.config;
  return (
    <div class={`page ${demo ? "has-phone" : ""}`}>
      <div class="page-main">
        <AppContext.Provider value={app}>
          <Shell account={account} />
        </AppContext.Provider>
      </div>
      {demo && DemoPanel && <DemoPanel smsUrl={demo.sms_url} zone={app.zone} />}
    </div>
  );
}

/** Runs `task` until it works once, waiting longer after each failure; null is nothing to do. */
function useTrying(task: (() => Promise<unknown>) | null): { trouble: BootTrouble | null; retry: () => void } {
  const [trouble, setTrouble] = useState<BootTrouble | null>(null);
  const [tries, setTries] = useState(0);
  const failures = useRef(0);
  const running = useRef(false);

  // Before the page is painted: what it shows waits for this.
  useLayoutEffect(() => {
    if (!task) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let over = false;
    running.current = true;
    task().then(
      () => {
        if (over) return;
        running.current = false;
        failures.current = 0;
        setTrouble(null);
      },
      (error: unknown) => {
        if (over || isAbort(error)) return;
        running.current = false;
        failures.current += 1;
        const problem = error instanceof ApiProblem ? error : new ApiProblem("failing", String(error));
        const waitMs = backoffMs(failures.current, Math.random, problem.retryAfterMs);
        setTrouble({ problem, nextTryMs: Date.now() + waitMs });
        timer = setTimeout(() => setTries((n) => n + 1), waitMs);
      },
    );
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [task, tries]);

  // Not while a try is under way: a code may be redeemed only once.
  return { trouble, retry: () => void (running.current || setTries((n) => n + 1)) };
}

applyTheme();
const memory = new TabMemory();
// Before anything else: a code must not stay in the address while the rest is loading.
const answer = takeAnswer(location, history, memory);
// Fetched while the API is asked who is there; where that fails, the page asks for it again and says so.
LOADERS[routeFromSearch(location.search).view]().catch(() => undefined);
const clock = new ServerClock();
const first = loadConfig(clock);
const ahead = [first];
const config = () => ahead.pop() ?? loadConfig(clock);
const root = document.getElementById("app");
const draw = () => root && render(<Root config={config} clock={clock} memory={memory} answer={answer} />, root);
// As a rule it came along with the script. A page that is drawn and laid out without it asks the API the later for that.
const patience = new Promise((resolve) => setTimeout(resolve, DRAW_WITHOUT_CONFIG_MS));
void Promise.race([first.catch(() => undefined), patience]).then(draw);
