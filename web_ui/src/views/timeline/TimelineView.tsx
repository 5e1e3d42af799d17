import type { ViewProps } from "../view";

export function TimelineView(_: ViewProps) {
  return <main id="main" tabIndex={-1} />;
}
