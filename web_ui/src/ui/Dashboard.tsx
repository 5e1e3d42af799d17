import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { ApiClient } from "../api/client";
import type { Frame, Site } from "../api/types";
import { camerasInView, Feed, type FeedState } from "../state/feed";
import { filtersFromSearch, NO_FILTERS, sameFilters, searchFromFilters, type Filters } from "../state/filters";
import { strings } from "../strings";
import { Banner } from "./Banner";
import { CameraBar } from "./CameraBar";
import { FilterBar } from "./FilterBar";
import { FrameList } from "./FrameList";
import { Header, type Account } from "./Header";
import { CloseIcon, UpIcon } from "./icons";
import { Viewer } from "./Viewer";

/** Closer to the top than this, the newest frames are what is being read. */
const AT_TOP_PX = 8;
const LABELS_REMEMBERED = 200;

const atTop = () => window.scrollY <= AT_TOP_PX;

export function Dashboard({ client, site, account }: { client: ApiClient; site: Site; account: Account | null }) {
  const zone = site.time_zone;
  const fromAddress = useMemo(() => filtersFromSearch(location.search), []);
  const [ignored, setIgnored] = useState(fromAddress.ignored);
  const [viewed, setViewed] = useState<Frame | null>(null);
  const viewedRef = useRef<Frame | null>(null);
  const view = useCallback((frame: Frame | null) => {
    // At once: Escape may follow an arrow key before the next rendering.
    viewedRef.current = frame;
    setViewed(frame);
  }, []);
  const main = useRef<HTMLElement>(null);

  const [state, setState] = useState<FeedState | null>(null);
  const feed = useMemo(
    () =>
      new Feed({
        client,
        cameras: site.cameras,
        isHeld: () =>
          !atTop() || viewedRef.current !== null || (main.current?.querySelector(".grid :focus-visible") ?? null) !== null,
        onChange: setState,
      }),
    [client, site],
  );

  useEffect(() => {
    feed.start(fromAddress.filters);
    const onVisible = () => feed.setVisible(!document.hidden);
    const onPop = () => {
      const read = filtersFromSearch(location.search);
      setIgnored(read.ignored);
      view(null);
      feed.setFilters(read.filters);
    };
    const onScroll = () => {
      if (atTop() && !feed.state.paused && viewedRef.current === null) feed.release();
    };
    const onOnline = () => feed.retryNow();
    onVisible();
    document.addEventListener("visibilitychange", onVisible);
    window.addEventListener("popstate", onPop);
    window.addEventListener("scroll", onScroll, { passive: true });
    window.addEventListener("online", onOnline);
    return () => {
      feed.stop();
      document.removeEventListener("visibilitychange", onVisible);
      window.removeEventListener("popstate", onPop);
      window.removeEventListener("scroll", onScroll);
      window.removeEventListener("online", onOnline);
    };
  }, [feed]);

  useEffect(() => {
    document.title = strings.title(site.name);
  }, [site]);

  const { epoch, announcement } = useConnectionNews(state);
  const serverNow = useCallback(() => client.serverNow(), [client]);
  const onRenew = useCallback((frame: Frame) => feed.renew(frame), [feed]);
  const onMore = useCallback(() => void feed.loadMore(), [feed]);
  const onRetry = useCallback(() => feed.retryNow(), [feed]);
  const suggestions = useLabelSuggestions(site, state);

  if (!state) return null;
  const { filters, list, connection } = state;
  const cameras = camerasInView(site.cameras, filters.camera);
  const namedCameras = cameras.map((camera) =>
    site.cameras.includes(camera) ? camera : { ...camera, name: strings.cameras.unknown(camera.camera_id) },
  );

  const change = (next: Filters) => {
    if (sameFilters(next, feed.state.filters)) return;
    history.pushState(null, "", location.pathname + searchFromFilters(next));
    setIgnored([]);
    feed.setFilters(next);
    window.scrollTo(0, 0);
  };
  const goToNewest = () => {
    feed.release();
    window.scrollTo(0, 0);
    main.current?.focus({ preventScroll: true });
  };
  const closeViewer = () => {
    const last = viewedRef.current;
    view(null);
    if (!last) return;
    // The frame that was looked at last, not the one the viewer was opened from.
    const card = [...document.querySelectorAll<HTMLElement>("[data-frame-id]")].find(
      (element) => element.dataset.frameId === last.frame_id,
    );
    card?.scrollIntoView({ block: "nearest" });
    card?.querySelector<HTMLElement>(".card-open")?.focus({ preventScroll: true });
  };

  // The viewer follows its frame when the address of its picture is renewed.
  const shownFrame = viewed && (list.frames.find(({ frame_id }) => frame_id === viewed.frame_id) ?? viewed);
  return (
    <>
      <a class="skip" href="#frames">
        {strings.skipToFrames}
      </a>
      <header class="header">
        <Header
          site={site}
          feed={state}
          cameras={namedCameras}
          account={account}
          serverNow={serverNow}
          onPause={(paused) => feed.setPaused(paused)}
        />
        {connection.state === "lost" && (
          <Banner
            problem={connection.problem}
            nextTryMs={connection.nextTryMs}
            lastOkMs={state.lastOkMs}
            zone={zone}
            onRetry={onRetry}
          />
        )}
      </header>
      <div class="controls" role="search" aria-label={strings.filters.region}>
        <CameraBar
          cameras={namedCameras}
          chosen={filters.camera}
          freshness={state.freshness}
          serverNow={serverNow}
          onChoose={(camera) => change({ ...filters, camera })}
        />
        <FilterBar
          filters={filters}
          zone={zone}
          suggestions={suggestions}
          serverNow={serverNow}
          onChange={change}
          onClear={() => change(NO_FILTERS)}
        />
        {ignored.length > 0 && (
          <p class="note" role="status">
            {strings.banner.ignoredParams(ignored.join(", "))}
            <button type="button" class="label-clear" aria-label={strings.banner.dismiss} onClick={() => setIgnored([])}>
              <CloseIcon />
            </button>
          </p>
        )}
      </div>
      {list.pending.length > 0 && (
        <button type="button" class="pill" title={strings.list.newPillHint} onClick={goToNewest}>
          <UpIcon />
          {strings.list.newPill(list.pending.length, list.pendingGap)}
        </button>
      )}
      <main id="frames" ref={main} tabIndex={-1} aria-label={strings.list.heading} aria-busy={list.phase === "loading"}>
        <FrameList
          list={list}
          filters={filters}
          zone={zone}
          epoch={epoch}
          offline={connection.state === "lost"}
          serverNow={serverNow}
          onOpen={view}
          onRenew={onRenew}
          onMore={onMore}
          onOlder={(beforeMs) =>
            change({
              ...filters,
              range: { kind: "custom", fromMs: filters.range.kind === "custom" ? filters.range.fromMs : null, toMs: beforeMs },
            })
          }
          onRetry={onRetry}
          onClear={() => change(NO_FILTERS)}
        />
      </main>
      <Viewer
        frame={shownFrame}
        frames={list.frames}
        zone={zone}
        epoch={epoch}
        serverNow={serverNow}
        onShow={view}
        onClose={closeViewer}
        onMore={onMore}
        onLabel={(label) => {
          view(null);
          change({ ...filters, label });
        }}
        onRenew={onRenew}
      />
      <div class="sr-only" role="status">
        {announcement}
      </div>
    </>
  );
}

/** Counts the times the API came back, and says so to a screen reader. */
function useConnectionNews(state: FeedState | null): { epoch: number; announcement: string } {
  const [epoch, setEpoch] = useState(0);
  const wasLost = useRef(false);
  const now = state?.connection.state;
  useEffect(() => {
    if (now === "lost") wasLost.current = true;
    else if (now === "ok" && wasLost.current) {
      wasLost.current = false;
      setEpoch((n) => n + 1);
    }
  }, [now]);
  const pending = state?.list.pending.length ?? 0;
  const words = pending ? strings.list.newPill(pending, state?.list.pendingGap ?? false) : epoch ? strings.banner.back : "";
  return { epoch, announcement: now === "lost" ? "" : words };
}

/** The watch list first, then what was seen while the page was open. */
function useLabelSuggestions(site: Site, state: FeedState | null): string[] {
  const seen = useRef(new Set<string>());
  const frames = state?.list.frames;
  return useMemo(() => {
    for (const frame of frames ?? []) {
      for (const { name } of frame.labels) if (seen.current.size < LABELS_REMEMBERED) seen.current.add(name);
    }
    const others = [...seen.current].filter((name) => !site.watch_labels.includes(name)).sort();
    return [...site.watch_labels, ...others];
  }, [site, frames]);
}
