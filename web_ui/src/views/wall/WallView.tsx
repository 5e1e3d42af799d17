import type { ViewProps } from "../view";

export function WallView(_: ViewProps) {
  return <main id="main" tabIndex={-1} />;
}
