import { useState } from "preact/hooks";
import { ApiProblem } from "../../api/client";
import { useUnreviewed, useUnreviewedBoard } from "../../app/unreviewed";
import { refusalWords } from "../../state/reviewWords";
import { unreviewedWords } from "../../state/unreviewed";
import { review } from "../../strings/review";

/** How many wait, and the way to say that they were all looked at. */
export function Seen() {
  const board = useUnreviewedBoard();
  const unreviewed = useUnreviewed();
  const [phase, setPhase] = useState<"idle" | "marking" | "marked">("idle");
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const mark = async () => {
    if (phase === "marking") return;
    setPhase("marking");
    setProblem(null);
    try {
      await board.markSeen();
      setPhase("marked");
    } catch (error) {
      setPhase("idle");
      setProblem(error instanceof ApiProblem ? error : new ApiProblem("failing", String(error)));
    }
  };
  const words = unreviewedWords(unreviewed);
  return (
    <div class="review-seen">
      <span class={words ? "review-count" : "hint"} title={review.unreviewedTitle}>
        {review.unreviewed(words)}
      </span>
      <button type="button" class="button" aria-disabled={phase === "marking"} onClick={() => void mark()}>
        {phase === "marking" ? review.marking : review.markSeen}
      </button>
      <span class={problem ? "deed is-failed" : "sr-only"} role="status">
        {problem ? review.markFailed(refusalWords(problem)) : phase === "marked" ? review.marked : ""}
      </span>
    </div>
  );
}
