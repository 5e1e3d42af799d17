import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Frame, Site } from "../../api/types";
import { navigate, useApp, useConnection } from "../../app/context";
import { camerasInView, Feed, type FeedState } from "../../state/feed";
import { filtersFromSearch, NO_FILTERS, sameFilters, searchFromFilters, type Filters } from "../../state/filters";
import { strings } from "../../strings";
import { CameraBar } from "./CameraBar";
import { FilterBar } from "./FilterBar";
import { FrameList } from "./FrameList";
import { CloseIcon, UpIcon } from "../../ui/icons";
import type { ViewProps } from "../view";
import { FeedStatus } from "./FeedStatus";
import { Viewer } from "./Viewer";

/** Closer to the top than this, the newest frames are what is being read. */
const AT_TOP_PX = 8;
const LABELS_REMEMBERED = 200;

const atTop = () => window.scrollY <= AT_TOP_PX;

/** Every frame that was stored, newest first, with filters. */
export function FramesView({ params }: ViewProps) {
  const { client, site, zone, serverNow, connection: board } = useApp();
  const { epoch } = useConnection();
  const fromAddress = useMemo(() => filtersFromSearch(params.toString()), [params]);
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
    const onScroll = () => {
      if (atTop() && !feed.state.paused && viewedRef.current === null) feed.release();
    };
    const onOnline = () => feed.retryNow();
    onVisible();
    document.addEventListener("visibilitychange", onVisible);
    window.addEventListener("scroll", onScroll, { passive: true });
    window.addEventListener("online", onOnline);
    return () => {
      feed.stop();
      document.removeEventListener("visibilitychange", onVisible);
      window.removeEventListener("scroll", onScroll);
      window.removeEventListener("online", onOnline);
    };
  }, [feed]);

  const isFirst = useRef(true);
  // Before it is painted: frames of other filters must not be seen under these.
  useLayoutEffect(() => {
    if (isFirst.current) {
      isFirst.current = false;
      return;
    }
    setIgnored(fromAddress.ignored);
    view(null);
    feed.setFilters(fromAddress.filters);
  }, [fromAddress]);

  const source = useMemo(() => Symbol("frames"), []);
  useEffect(() => {
    if (!state) return;
    const { connection, lastOkMs } = state;
    const lost = connection.state === "lost" ? connection : { problem: null, nextTryMs: null };
    board.report(source, { problem: lost.problem, nextTryMs: lost.nextTryMs, lastOkMs, retry: () => feed.retryNow() });
  }, [state?.connection, state?.lastOkMs, feed, board]);
  useEffect(() => () => board.forget(source), [board]);
  const onRenew = useCallback((frame: Frame) => feed.renew(frame), [feed]);
  const onMore = useCallback(() => void feed.loadMore(), [feed]);
  const onRetry = useCallback(() => feed.retryNow(), [feed]);
  const suggestions = useLabelSuggestions(site, state);

  if (!state) return null;
  const { list, connection } = state;
  // The address's, not the feed's, which follows it: a second choice right after the first must not undo it.
  const { filters } = fromAddress;
  const cameras = camerasInView(site.cameras, filters.camera);
  const namedCameras = cameras.map((camera) =>
    site.cameras.includes(camera) ? camera : { ...camera, name: strings.cameras.unknown(camera.camera_id) },
  );

  const change = (next: Filters) => {
    if (sameFilters(next, filters)) return;
    navigate(searchFromFilters(next));
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
      <div class="controls" role="search" aria-label={strings.filters.region}>
        <FeedStatus
          feed={state}
          cameras={namedCameras}
          serverNow={serverNow}
          onPause={(paused) => feed.setPaused(paused)}
        />
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
      <main id="main" ref={main} tabIndex={-1} aria-label={strings.list.heading} aria-busy={list.phase === "loading"}>
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
        {list.pending.length ? strings.list.newPill(list.pending.length, list.pendingGap) : ""}
      </div>
    </>
  );
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
