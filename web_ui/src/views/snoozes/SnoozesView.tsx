import type { ViewProps } from "../view";

export function SnoozesView(_: ViewProps) {
  return <main id="main" tabIndex={-1} />;
}
