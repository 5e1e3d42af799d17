import type { ViewProps } from "../view";

export function ReviewView(_: ViewProps) {
  return <main id="main" tabIndex={-1} />;
}
