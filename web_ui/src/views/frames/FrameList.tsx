import { useEffect, useRef } from "preact/hooks";
import type { Frame } from "../../api/types";
import type { Filters } from "../../state/filters";
import { activeCount, isPast } from "../../state/filters";
import { FRAME_CAP, type FramesState } from "../../state/frames";
import { strings } from "../../strings";
import { siteTimeAt } from "../../time/zone";
import { FrameCard } from "./FrameCard";
import { PictureIcon, WarnIcon } from "../../ui/icons";

const EAGER_PICTURES = 8;
const SKELETONS = 8;
/** How far below the window the next page is asked for. */
const LOOK_AHEAD_PX = 800;

interface Props {
  list: FramesState;
  filters: Filters;
  zone: string;
  epoch: number;
  /** The API is away: no loading by itself, no promise that anything comes. */
  offline: boolean;
  serverNow: () => number;
  onOpen: (frame: Frame) => void;
  onRenew: (frame: Frame) => Promise<Frame | null>;
  onMore: () => void;
  onOlder: (beforeMs: number) => void;
  onRetry: () => void;
  onClear: () => void;
}

export function FrameList(props: Props) {
  const { list } = props;
  if (list.phase === "failed") return <Failed {...props} />;
  if (list.phase === "loading") return <Loading />;
  // A page may be empty and still have a next one: only the end says that there is nothing.
  if (!list.frames.length) return list.tail.kind === "end" ? <Empty {...props} /> : <Foot {...props} />;
  return (
    <>
      {byDay(list.frames, props.zone).map(({ day, frames, firstIndex }) => (
        <section key={day} class="day">
          <h2 class="day-heading">{day}</h2>
          <ul class="grid">
            {frames.map((frame, index) => (
              <li key={frame.frame_id}>
                <FrameCard
                  frame={frame}
                  zone={props.zone}
                  eager={firstIndex + index < EAGER_PICTURES}
                  epoch={props.epoch}
                  serverNow={props.serverNow}
                  onOpen={props.onOpen}
                  onRenew={props.onRenew}
                />
              </li>
            ))}
          </ul>
        </section>
      ))}
      <Foot {...props} />
    </>
  );
}

function byDay(frames: readonly Frame[], zone: string): { day: string; frames: Frame[]; firstIndex: number }[] {
  const days: { day: string; frames: Frame[]; firstIndex: number }[] = [];
  frames.forEach((frame, index) => {
    const day = siteTimeAt(Date.parse(frame.captured_at), zone).longDate;
    const last = days[days.length - 1];
    if (last?.day === day) last.frames.push(frame);
    else days.push({ day, frames: [frame], firstIndex: index });
  });
  return days;
}

function Foot({ list, zone, offline, onMore, onOlder }: Props) {
  const sentinel = useRef<HTMLDivElement>(null);
  const capReached = list.frames.length >= FRAME_CAP && list.tail.kind !== "end";
  const mayLoad = !capReached && !offline && list.tail.kind !== "end" && list.more === "idle";

  useEffect(() => {
    if (!mayLoad || !sentinel.current) return;
    const observer = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && onMore(), {
      rootMargin: `${LOOK_AHEAD_PX}px`,
    });
    observer.observe(sentinel.current);
    return () => observer.disconnect();
    // Observing anew after each page reports at once when the next one is already in reach.
  }, [mayLoad, list.tail]);

  const oldest = list.frames[list.frames.length - 1];
  const oldestMs = oldest ? Date.parse(oldest.captured_at) : 0;
  const at = siteTimeAt(oldestMs, zone);
  return (
    <div class="foot">
      <div ref={sentinel} class="sentinel" aria-hidden="true" />
      {capReached ? (
        <>
          <p>{strings.list.capped(list.frames.length)}</p>
          <button type="button" class="button" onClick={() => onOlder(oldestMs + 1)}>
            {strings.list.showOlder(`${at.time} ${at.zone}, ${at.date}`)}
          </button>
        </>
      ) : list.tail.kind === "end" ? (
        <p>{strings.list.end(list.frames.length)}</p>
      ) : (
        <>
          {list.more === "failed" && <p role="alert">{strings.list.moreFailed}</p>}
          <button type="button" class="button" aria-disabled={list.more === "loading"} onClick={onMore}>
            {list.more === "loading"
              ? list.frames.length
                ? strings.list.loadingMore
                : strings.list.lookingBack
              : list.more === "failed"
                ? strings.list.tryAgain
                : strings.list.loadMore}
          </button>
        </>
      )}
    </div>
  );
}

/** Grey cards in the places of those to come. */
export function Loading({ words = strings.list.loading }: { words?: string }) {
  return (
    <div class="loading" role="status">
      <span class="sr-only">{words}</span>
      <div class="grid" aria-hidden="true">
        {Array.from({ length: SKELETONS }, (_, index) => (
          <div key={index} class="card skeleton">
            <div class="card-picture" />
            <div class="card-text">
              <i />
              <i />
            </div>
          </div>
        ))}
      </div>
    </div>
  );
}

function Empty({ filters, serverNow, offline, onClear }: Props) {
  const filtered = activeCount(filters) > 0;
  const past = isPast(filters.range, serverNow());
  return (
    <div class="notice">
      <PictureIcon />
      <h2>{filtered ? strings.list.emptyFilteredTitle : strings.list.emptyTitle}</h2>
      {!offline && (
        <p>{!filtered ? strings.list.emptyText : past ? strings.list.emptyFilteredPast : strings.list.emptyFilteredLive}</p>
      )}
      {filtered && (
        <button type="button" class="button" onClick={onClear}>
          {strings.filters.clear}
        </button>
      )}
    </div>
  );
}

function Failed({ list, filters, onRetry, onClear }: Props) {
  return (
    <div class="notice is-bad" role="alert">
      <WarnIcon />
      <h2>{strings.list.errorTitle}</h2>
      {list.failure && <p>{list.failure}</p>}
      <div class="notice-actions">
        <button type="button" class="button" onClick={onRetry}>
          {strings.list.tryAgain}
        </button>
        {activeCount(filters) > 0 && (
          <button type="button" class="button" onClick={onClear}>
            {strings.filters.clear}
          </button>
        )}
      </div>
    </div>
  );
}
