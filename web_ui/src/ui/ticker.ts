import { useEffect, useState } from "preact/hooks";

type Listener = () => void;
const listeners = new Set<Listener>();
let timer: ReturnType<typeof setInterval> | null = null;

function subscribe(listener: Listener): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    if (!document.hidden) for (const each of [...listeners]) each();
  }, 1_000);
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
