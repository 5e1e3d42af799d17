import type { ViewProps } from "../view";

export function ChartsView(_: ViewProps) {
  return <main id="main" tabIndex={-1} />;
}
