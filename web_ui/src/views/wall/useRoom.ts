import { useEffect, useRef, useState } from "preact/hooks";
import type { Room } from "../../state/wall";

/** How much place an element has, followed as it changes; null before it is known. */
export function useRoom(): { room: Room | null; ref: { current: HTMLDivElement | null } } {
  const ref = useRef<HTMLDivElement>(null);
  const [room, setRoom] = useState<Room | null>(null);
  useEffect(() => {
    if (!ref.current) return;
    const observer = new ResizeObserver((entries) => {
      const size = entries.at(-1)?.contentRect;
      if (size) setRoom({ widthPx: Math.floor(size.width), heightPx: Math.floor(size.height) });
    });
    observer.observe(ref.current);
    return () => observer.disconnect();
  }, []);
  return { room, ref };
}
