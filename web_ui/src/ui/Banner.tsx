import type { ApiProblem } from "../api/client";
import { strings } from "../strings";
import { siteTimeAt } from "../time/zone";
import { WarnIcon } from "./icons";
import { useTicking } from "./ticker";

interface Props {
  problem: ApiProblem;
  /** By the browser's own clock; null while a try is under way. */
  nextTryMs: number | null;
  lastOkMs: number | null;
  zone: string | null;
  onRetry: () => void;
}

export function problemWords(problem: ApiProblem): string {
  if (problem.kind === "refused") return strings.banner.refused(problem.message);
  return problem.kind === "failing" ? strings.banner.failing : strings.banner.unreachable;
}

/** Says that the API is away, how old the page is, and when it tries again. */
export function Banner({ problem, nextTryMs, lastOkMs, zone, onRetry }: Props) {
  const wait = useTicking(() => (nextTryMs === null ? 0 : Math.max(0, Math.ceil((nextTryMs - Date.now()) / 1000))));
  const at = lastOkMs !== null && zone ? siteTimeAt(lastOkMs, zone) : null;
  return (
    <div class="banner" data-testid="banner">
      <WarnIcon />
      <p>
        <span role="alert">
          <strong>{problemWords(problem)}</strong>{" "}
          {at ? strings.banner.shownFrom(`${at.time} ${at.zone}`) : strings.banner.nothingYet}
        </span>{" "}
        <span class="banner-wait">{wait ? strings.banner.tryingIn(wait) : strings.banner.trying}</span>
      </p>
      <button type="button" class="button" onClick={onRetry}>
        {strings.banner.tryNow}
      </button>
    </div>
  );
}
