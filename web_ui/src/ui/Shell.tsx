import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { useApp, useConnection, useRoute } from "../app/context";
import type { View } from "../state/route";
import { strings } from "../strings";
import { LOADERS } from "../views/registry";
import type { ViewProps } from "../views/view";
import { Banner } from "./Banner";
import { Header, type Account } from "./Header";

type Loaded = { view: View; Component: ComponentType<ViewProps> } | { view: View; failed: true };

/** The header, whether the API answers, and the view that the address names. */
export function Shell({ account }: { account: Account | null }) {
  const { site, zone, serverNow, connection } = useApp();
  const { trouble, epoch } = useConnection();
  const { view, params } = useRoute();
  const loaded = useView(view);

  useEffect(() => {
    document.title =
      view === "wall" ? strings.title(site.name) : strings.titleOfView(strings.nav.views[view], site.name);
  }, [view, site]);

  return (
    <>
      <a class="skip" href="#main">
        {strings.skip}
      </a>
      <header class="header">
        <Header site={site} view={view} account={account} serverNow={serverNow} />
        {trouble?.problem && (
          <Banner
            problem={trouble.problem}
            nextTryMs={trouble.nextTryMs}
            lastOkMs={trouble.lastOkMs}
            zone={zone}
            onRetry={() => connection.retryAll()}
          />
        )}
      </header>
      {loaded && "Component" in loaded ? (
        <loaded.Component key={loaded.view} params={params} />
      ) : (
        <main id="main" tabIndex={-1} aria-busy={!loaded}>
          {loaded ? <Outdated /> : <p class="view-loading hint">{strings.nav.loading}</p>}
        </main>
      )}
      <div class="sr-only" role="status">
        {!trouble && epoch > 0 ? strings.banner.back : ""}
      </div>
    </>
  );
}

function Outdated() {
  return (
    <div class="view-loading" role="alert">
      <p>{strings.nav.outdated}</p>
      <button type="button" class="button" onClick={() => location.reload()}>
        {strings.nav.reload}
      </button>
    </div>
  );
}

/** null while the view is fetched. Once one is there the others are fetched as well: a deployment takes old parts away. */
function useView(view: View): Loaded | null {
  const [loaded, setLoaded] = useState<Loaded | null>(null);
  useEffect(() => {
    let over = false;
    LOADERS[view]().then(
      (Component) => over || setLoaded({ view, Component }),
      () => over || setLoaded({ view, failed: true }),
    );
    return () => void (over = true);
  }, [view]);
  const isThere = loaded !== null;
  useEffect(() => {
    if (!isThere) return;
    const timer = setTimeout(() => {
      for (const load of Object.values(LOADERS)) load().catch(() => undefined);
    }, PREFETCH_AFTER_MS);
    return () => clearTimeout(timer);
  }, [isThere]);
  return loaded?.view === view ? loaded : null;
}

const PREFETCH_AFTER_MS = 5_000;
