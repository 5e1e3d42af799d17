import type { Frame, Label } from "../api/types";

/** Watch hits first, then by confidence. */
export function labelsInOrder(frame: Pick<Frame, "labels">): Label[] {
  return [...frame.labels].sort((a, b) => Number(b.watch_hit) - Number(a.watch_hit) || b.confidence - a.confidence);
}
