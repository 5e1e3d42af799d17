import { useEffect, useState } from "preact/hooks";
import { linkTo, useApp } from "../../app/context";
import { NO_REVIEW_FILTERS, searchOfReview, SHOWN, type ReviewFilters } from "../../state/reviewAddress";
import { routeFromSearch } from "../../state/route";
import { strings } from "../../strings";
import { review } from "../../strings/review";
import { CloseIcon } from "../../ui/icons";
import { Filters } from "./Filters";
import { Seen } from "./Seen";

interface Props {
  filters: ReviewFilters;
  /** Parts of the address that say nothing here. */
  ignored: readonly string[];
  /** On a phone, behind an open alert. */
  behind: boolean;
  /** Whether the filters are, where they fold away. */
  open: boolean;
  onOpen: (open: boolean) => void;
  onChange: (filters: ReviewFilters) => void;
}

/** Which list is shown, what of it, and how much of it waits. */
export function Controls({ filters, ignored, behind, open, onOpen, onChange }: Props) {
  const { site, zone, serverNow } = useApp();
  const [dismissed, setDismissed] = useState(false);
  useEffect(() => setDismissed(false), [ignored.join()]);
  return (
    <div class={`controls review-controls ${behind ? "is-behind" : ""}`} role="search" aria-label={strings.filters.region}>
      <div class="review-top">
        <nav class="segments review-shown" aria-label={review.shownLabel}>
          {SHOWN.map((shown) => (
            <a
              key={shown}
              {...linkTo("review", paramsOf({ ...NO_REVIEW_FILTERS, ...common(filters), shown }))}
              aria-current={shown === filters.shown ? "page" : undefined}
            >
              {review.shown[shown]}
            </a>
          ))}
        </nav>
        {filters.shown === "alerts" && <Seen />}
      </div>
      <Filters
        filters={filters}
        site={site}
        zone={zone}
        open={open}
        serverNow={serverNow}
        onOpen={onOpen}
        onChange={onChange}
      />
      {ignored.length > 0 && !dismissed && (
        <p class="note" role="status">
          {strings.banner.ignoredParams(ignored.join(", "))}
          <button type="button" class="label-clear" aria-label={strings.banner.dismiss} onClick={() => setDismissed(true)}>
            <CloseIcon />
          </button>
        </p>
      )}
    </div>
  );
}

/** What the lists have in common stays when another is shown. */
function common({ cameras, range }: ReviewFilters): Pick<ReviewFilters, "cameras" | "range"> {
  return { cameras, range };
}

function paramsOf(filters: ReviewFilters): URLSearchParams {
  return routeFromSearch(searchOfReview(filters)).params;
}
