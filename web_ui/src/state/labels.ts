import type { Frame, Label } from "../api/types";
import { strings } from "../strings";
import { wholePercent } from "../time/words";

/** Watch hits first, then by confidence. */
export function labelsInOrder(frame: Pick<Frame, "labels">): Label[] {
  return [...frame.labels].sort((a, b) => Number(b.watch_hit) - Number(a.watch_hit) || b.confidence - a.confidence);
}

/** What a frame without labels shows, or why nobody knows. */
export function noLabelsInWords({ analysis }: Pick<Frame, "analysis">): string {
  return analysis === "screened" || analysis === "budget" ? strings.card.notAnalysed[analysis] : strings.card.noLabels;
}

/** The same in two words. */
export function noLabelsInShort({ analysis }: Pick<Frame, "analysis">): string {
  return analysis === "screened" || analysis === "budget" ? strings.card.notAnalysedShort : strings.card.noLabels;
}

export function labelsInWords(frame: Pick<Frame, "labels" | "analysis">): string {
  const words = labelsInOrder(frame).map(({ name, confidence }) => `${name} ${wholePercent(confidence)}`);
  return words.join(", ") || noLabelsInWords(frame);
}
