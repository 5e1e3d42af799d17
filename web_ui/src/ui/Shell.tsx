import type { ComponentType } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { navigate, useApp, useConnection, useRoute } from "../app/context";
import { useKeyboard, useKeys } from "../app/keys";
import { useCounting } from "../app/unreviewed";
import { isScreenOnly, searchOf, type View } from "../state/route";
import { unreviewedWords } from "../state/unreviewed";
import { strings } from "../strings";
import { LOADERS } from "../views/registry";
import type { ViewProps } from "../views/view";
import { Banner } from "./Banner";
import { Header, type Account } from "./Header";
import { Help } from "./Help";
import { BottomNavigation, Navigation, useNarrow } from "./Navigation";

type Loaded = { view: View; Component: ComponentType<ViewProps> } | { view: View; failed: true };

/** After a `g`. */
const GO_TO: readonly [string, View][] = [
  ["w", "wall"],
  ["r", "review"],
  ["t", "timeline"],
  ["f", "frames"],
  ["c", "charts"],
  ["b", "costs"],
];

/** The header, whether the API answers, and the view that the address names. */
export function Shell({ account }: { account: Account | null }) {
  const { site, zone, serverNow, connection } = useApp();
  const { trouble, epoch } = useConnection();
  const route = useRoute();
  const { view, params } = route;
  const loaded = useView(view);
  const narrow = useNarrow();
  const screenOnly = isScreenOnly(route);
  const [helpOpen, setHelpOpen] = useState(false);
  const header = useHeightOf("--header-h");

  useKeyboard();
  useKeys(
    strings.help.everywhere,
    useMemo(
      () => [
        ...GO_TO.map(([letter, to]) => ({
          press: `g ${letter}`,
          words: strings.help.goTo(strings.nav.views[to]),
          run: () => {
            navigate(searchOf(to));
            window.scrollTo(0, 0);
          },
        })),
        { press: "?", words: strings.help.this, run: () => setHelpOpen(true) },
        { press: "Escape", words: strings.help.escape },
      ],
      [],
    ),
  );
  useFocusOnArrival(loaded?.view ?? null);
  const unreviewed = unreviewedWords(useCounting());
  useEffect(() => {
    const title = view === "wall" ? strings.title(site.name) : strings.titleOfView(strings.nav.views[view], site.name);
    document.title = unreviewed ? strings.titleWithCount(unreviewed, title) : title;
  }, [view, site, unreviewed]);

  return (
    <>
      <a
        class="skip"
        href="#main"
        onClick={(event) => {
          // The address is the view's; a fragment would stay in every bookmark.
          event.preventDefault();
          focusMain();
        }}
      >
        {strings.skip}
      </a>
      <header class="header" ref={header}>
        {!screenOnly && (
          <Header site={site} account={account} serverNow={serverNow} onHelp={() => setHelpOpen(true)}>
            {!narrow && <Navigation view={view} />}
          </Header>
        )}
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
      {narrow && !screenOnly && <BottomNavigation view={view} />}
      <Help open={helpOpen} onClose={() => setHelpOpen(false)} />
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

function focusMain(): void {
  document.getElementById("main")?.focus({ preventScroll: true });
}

/** Who goes to another view goes on reading there. Not at first: a page that opens begins at its beginning. */
function useFocusOnArrival(view: View | null): void {
  const last = useRef<View | null>(null);
  useEffect(() => {
    if (view === null) return;
    const arrived = last.current !== null && last.current !== view;
    last.current = view;
    if (!arrived) return;
    // A view may show its content late, and in another <main> than it began with. Whoever has gone on with the keyboard by
    // then is left where they are.
    let before = document.activeElement;
    const focus = () => {
      const { activeElement } = document;
      if (activeElement !== before && activeElement !== document.body) return;
      focusMain();
      if (document.activeElement?.id === "main") before = null;
    };
    focus();
    const observer = new MutationObserver(focus);
    const page = document.querySelector(".page-main");
    if (page) observer.observe(page, { childList: true });
    return () => observer.disconnect();
  }, [view]);
}

/** Keeps a custom property at the height of what this is the ref of: what is sticky below it has to know. */
function useHeightOf(property: string): (element: HTMLElement | null) => void {
  const observer = useRef<ResizeObserver | null>(null);
  return useMemo(
    () => (element) => {
      observer.current?.disconnect();
      if (!element) return;
      const measure = () => document.documentElement.style.setProperty(property, `${element.offsetHeight}px`);
      observer.current = new ResizeObserver(measure);
      // It measures at first as well, before painting and when everything is there.
      observer.current.observe(element);
    },
    [property],
  );
}

/** null while the view is fetched. Once one is there the others are fetched as well: a deployment takes old parts away. */
function useView(view: View): Loaded | null {
  const [loaded, setLoaded] = useState<Loaded | null>(null);
  useLayoutEffect(() => {
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
