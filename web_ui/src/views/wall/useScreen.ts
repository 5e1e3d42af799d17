import { useCallback, useEffect } from "preact/hooks";
import { navigate } from "../../app/context";
import { searchOf } from "../../state/route";
import { withParams } from "../../state/wall";

/**
 * Whether the wall has the screen to itself. The address says so, so that a wall screen can be started with it; the
 * browser's own full screen goes with it where there is one, and needs somebody's press.
 */
export function useScreen(params: URLSearchParams): { full: boolean; toggle: () => void; leave: () => void } {
  const full = params.get("screen") === "full";
  const go = useCallback(
    (screen: "full" | null) => navigate(searchOf("wall", withParams(params, { screen })), { replace: true }),
    [params],
  );
  const leave = () => {
    if (document.fullscreenElement) void document.exitFullscreen().catch(() => undefined);
    if (full) go(null);
  };
  const enter = () => {
    go("full");
    // Phones of one make have none; the wall without the rest of the page is what can be had there.
    void document.documentElement.requestFullscreen?.().catch(() => undefined);
  };
  useEffect(() => {
    // Escape, which the browser keeps for itself.
    const changed = () => {
      if (!document.fullscreenElement && full) go(null);
    };
    document.addEventListener("fullscreenchange", changed);
    return () => document.removeEventListener("fullscreenchange", changed);
  }, [full, go]);
  return { full, toggle: full ? leave : enter, leave };
}
