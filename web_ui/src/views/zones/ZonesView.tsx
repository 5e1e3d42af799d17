import type { ViewProps } from "../view";

export function ZonesView(_: ViewProps) {
  return <main id="main" tabIndex={-1} />;
}
