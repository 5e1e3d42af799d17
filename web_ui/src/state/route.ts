// Which view the page shows, and all of its state, as the address says it.
//
// One file is served, at /, and who signs in comes back to /: the view is a parameter, and nothing needs rewriting.

export const VIEWS = ["wall", "review", "timeline", "frames", "frame", "zones", "charts", "costs", "snoozes"] as const;
export type View = (typeof VIEWS)[number];

/** An address without a view, as bookmarks of the list of frames have it, shows the list; a bare one shows the wall. */
const FRAMES_PARAMETERS = ["camera", "label", "from", "to", "last", "watch_only"];

export interface Route {
  view: View;
  /** Everything but the view: the view's own. */
  params: URLSearchParams;
}

export function routeFromSearch(search: string): Route {
  const params = new URLSearchParams(search);
  const named = params.get("view");
  params.delete("view");
  const view = VIEWS.find((each) => each === named);
  if (view) return { view, params };
  return { view: FRAMES_PARAMETERS.some((name) => params.has(name)) ? "frames" : "wall", params };
}

/** "" for the bare wall, else "?view=..."; the inverse of routeFromSearch. */
export function searchOf(view: View, params: URLSearchParams | Record<string, string | null> = {}): string {
  const given = params instanceof URLSearchParams ? [...params] : Object.entries(params);
  const own = given.filter((pair): pair is [string, string] => pair[1] !== null && pair[1] !== "");
  if (view === "wall" && own.length === 0) return "";
  return `?${new URLSearchParams([["view", view], ...own])}`;
}

/** A wall screen: pictures alone, without the header and the ways to other views. */
export function isScreenOnly({ view, params }: Route): boolean {
  return view === "wall" && params.get("screen") === "full";
}
