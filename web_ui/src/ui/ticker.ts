import { useEffect, useState } from "preact/hooks";

type Listener = () => void;
const listeners = new Set<Listener>();
let timer: ReturnType<typeof setInterval> | null = null;

function tick(): void {
  if (!document.hidden) for (const each of [...listeners]) each();
}

// Who comes back to a tab must not see for a second what was true when they left.
document.addEventListener("visibilitychange", tick);

function subscribe(listener: Listener): () => void {
  listeners.add(listener);
  timer ??= setInterval(tick, 1_000);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0 && timer !== null) {
      clearInterval(timer);
      timer = null;
    }
  };
}

/** A value made from the time, looked at each second; renders only when the value changes. */
export function useTicking<T extends string | number | boolean>(make: () => T): T {
  const [, setSeen] = useState<T>(make);
  useEffect(() => subscribe(() => setSeen(make())));
  return make();
}
