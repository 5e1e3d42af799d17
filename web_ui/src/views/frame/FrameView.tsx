import type { ViewProps } from "../view";

export function FrameView(_: ViewProps) {
  return <main id="main" tabIndex={-1} />;
}
