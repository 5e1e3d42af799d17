import { useEffect } from "preact/hooks";
import type { Shown } from "../../state/reviewAddress";
import type { ReviewEntry } from "../../state/reviewEntries";
import type { ReviewList } from "../../state/reviewList";
import { strings } from "../../strings";
import { review } from "../../strings/review";
import { siteTimeAt } from "../../time/zone";
import { PictureIcon, WarnIcon } from "../../ui/icons";

interface FootProps {
  list: ReviewList<ReviewEntry>;
  zone: string;
  offline: boolean;
  onMore: () => void;
  onOlder: (beforeMs: number) => void;
}

export function Foot({ list, zone, offline, onMore, onOlder }: FootProps) {
  const { entries, more, cursor, cut } = list;
  // A page may be empty and still have a next one.
  const looking = entries.length === 0 && more === "idle" && !offline;
  useEffect(() => {
    if (looking) onMore();
  }, [looking, cursor]);
  const oldest = entries[entries.length - 1];
  if (cut && oldest) {
    const oldestMs = Date.parse(oldest.sort.slice(0, oldest.sort.indexOf(" ")));
    const at = siteTimeAt(oldestMs, zone);
    return (
      <div class="foot">
        <p>{review.list.capped(entries.length)}</p>
        <button type="button" class="button" onClick={() => onOlder(oldestMs + 1)}>
          {strings.list.showOlder(`${at.time} ${at.zone}, ${at.date}`)}
        </button>
      </div>
    );
  }
  if (cursor === null) return <div class="foot">{entries.length > 0 && <p>{review.list.end(entries.length)}</p>}</div>;
  return (
    <div class="foot">
      {more === "failed" && <p role="alert">{strings.list.moreFailed}</p>}
      <button type="button" class="button" aria-disabled={more === "loading"} onClick={onMore}>
        {more === "loading"
          ? entries.length
            ? strings.list.loadingMore
            : review.list.lookingBack
          : more === "failed"
            ? strings.list.tryAgain
            : strings.list.loadMore}
      </button>
    </div>
  );
}

interface NothingProps {
  list: ReviewList<ReviewEntry>;
  shown: Shown;
  filtered: boolean;
  onRetry: () => void;
  onClear: () => void;
}

export function NothingThere({ list, shown, filtered, onRetry, onClear }: NothingProps) {
  if (list.phase === "loading") {
    return (
      <p class="view-loading hint" role="status">
        {review.list.loading}
      </p>
    );
  }
  const failed = list.phase === "failed";
  return (
    <div class={`notice ${failed ? "is-bad" : ""}`} role={failed ? "alert" : undefined}>
      {failed ? <WarnIcon /> : <PictureIcon />}
      <h2>{failed ? review.list.failed : review.list.empty[shown]}</h2>
      <p>{failed ? list.failure : filtered ? review.list.emptyFiltered : review.list.emptyText[shown]}</p>
      <div class="notice-actions">
        {failed && (
          <button type="button" class="button" onClick={onRetry}>
            {strings.list.tryAgain}
          </button>
        )}
        {filtered && (
          <button type="button" class="button" onClick={onClear}>
            {strings.filters.clear}
          </button>
        )}
      </div>
    </div>
  );
}
