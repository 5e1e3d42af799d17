import { render, type ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ApiClient, ApiProblem, loadConfig } from "./api/client";
import type { RuntimeConfig, Site } from "./api/types";
import { backoffMs } from "./state/backoff";
import { strings } from "./strings";
import { isTimeZone } from "./time/zone";
import { Banner } from "./ui/Banner";
import { Dashboard } from "./ui/Dashboard";
import { Loading } from "./ui/FrameList";
import { Header } from "./ui/Header";

interface Booted {
  client: ApiClient;
  site: Site;
  config: RuntimeConfig;
}

interface BootTrouble {
  problem: ApiProblem;
  nextTryMs: number | null;
}

type DemoPanel = ComponentType<{ smsUrl: string; zone: string }>;

async function boot(): Promise<Booted> {
  const config = await loadConfig();
  const client = new ApiClient(config.api_base);
  const site = await client.site();
  if (!isTimeZone(site.time_zone)) throw new ApiProblem("failing", `Unknown time zone ${site.time_zone}`);
  return { client, site, config };
}

function Root() {
  const [booted, setBooted] = useState<Booted | null>(null);
  const [trouble, setTrouble] = useState<BootTrouble | null>(null);
  const [tries, setTries] = useState(0);
  const [DemoPanel, setDemoPanel] = useState<DemoPanel | null>(null);

  useEffect(() => {
    if (booted) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let over = false;
    boot().then(
      (result) => !over && setBooted(result),
      (error: unknown) => {
        if (over) return;
        const problem = error instanceof ApiProblem ? error : new ApiProblem("failing", String(error));
        const waitMs = backoffMs(tries + 1, Math.random, problem.retryAfterMs);
        setTrouble({ problem, nextTryMs: Date.now() + waitMs });
        timer = setTimeout(() => setTries((n) => n + 1), waitMs);
      },
    );
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [tries]);

  useEffect(() => {
    if (!booted?.config.demo) return;
    // Only a demo fetches the phone; production never loads it.
    void import("./demo/PhonePanel").then((module) => setDemoPanel(() => module.PhonePanel));
  }, [booted]);

  if (!booted) {
    return (
      <>
        <header class="header">
          <Header site={null} feed={null} cameras={[]} serverNow={Date.now} onPause={() => undefined} />
          {trouble && (
            <Banner
              problem={trouble.problem}
              nextTryMs={trouble.nextTryMs}
              lastOkMs={null}
              zone={null}
              onRetry={() => setTries((n) => n + 1)}
            />
          )}
        </header>
        <main aria-busy="true">
          {!trouble && <Loading words={strings.status.connecting} />}
        </main>
      </>
    );
  }
  const demo = booted.config.demo;
  return (
    <div class={`page ${demo ? "has-phone" : ""}`}>
      <div class="page-main">
        <Dashboard client={booted.client} site={booted.site} />
      </div>
      {demo && DemoPanel && <DemoPanel smsUrl={demo.sms_url} zone={booted.site.time_zone} />}
    </div>
  );
}

const root = document.getElementById("app");
if (root) render(<Root />, root);
