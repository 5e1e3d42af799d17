import { ageWords } from "../time/words";
import { useTicking } from "./ticker";

export function Age({ capturedMs, serverNow }: { capturedMs: number; serverNow: () => number }) {
  const words = useTicking(() => {
    const ageMs = serverNow() - capturedMs;
    // Under a minute, steps of five: a wall of counting numbers cannot be read.
    return ageWords(ageMs > 5_000 && ageMs < 60_000 ? Math.floor(ageMs / 5_000) * 5_000 : ageMs);
  });
  return <span class="age">{words}</span>;
}
