import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { rowsInView, type Entry } from "../../state/reviewList";

/** Rows left below the window at which the next page is asked for. */
const ASK_AHEAD_ROWS = 30;
const EDGE_PX = 8;

interface Props<T extends Entry> {
  entries: readonly T[];
  rowPx: number;
  selectedId: string | null;
  label: string;
  /** Entries that are drawn, told whenever that changes. */
  onView: (entries: readonly T[]) => void;
  /** The window is near the end. */
  onNearEnd: () => void;
  row: (entry: T) => ComponentChildren;
}

/** All rows have one height, and those far from the window are not there: five thousand scroll as ten do. */
export function VirtualRows<T extends Entry>({ entries, rowPx, selectedId, label, onView, onNearEnd, row }: Props<T>) {
  const list = useRef<HTMLUListElement>(null);
  const [[first, end], setRange] = useState<[number, number]>([0, 0]);
  const count = entries.length;

  const look = () => {
    const element = list.current;
    // Behind an open alert on a phone it has no place, and keeps what it shows.
    if (!element || element.offsetParent === null) return;
    const next = rowsInView(count, rowPx, -element.getBoundingClientRect().top, window.innerHeight);
    setRange((before) => (before[0] === next[0] && before[1] === next[1] ? before : next));
  };
  const looking = useRef(look);
  looking.current = look;
  useLayoutEffect(look, [count, rowPx]);
  useEffect(() => {
    let asked = 0;
    const onMove = () => {
      asked ||= requestAnimationFrame(() => {
        asked = 0;
        looking.current();
      });
    };
    window.addEventListener("scroll", onMove, { passive: true });
    window.addEventListener("resize", onMove);
    return () => {
      cancelAnimationFrame(asked);
      window.removeEventListener("scroll", onMove);
      window.removeEventListener("resize", onMove);
    };
  }, []);

  const shown = entries.slice(first, end);
  useEffect(() => {
    onView(shown);
    if (end >= count - ASK_AHEAD_ROWS) onNearEnd();
  }, [entries, first, end]);

  // The chosen row stays, wherever it is: the focus is on it.
  const selectedAt = entries.findIndex(({ id }) => id === selectedId);
  const drawn = shown.map((entry, index) => [entry, first + index] as const);
  const selected = entries[selectedAt];
  if (selected && selectedAt < first) drawn.unshift([selected, selectedAt]);
  if (selected && selectedAt >= end) drawn.push([selected, selectedAt]);
  return (
    <ul ref={list} class="review-rows" aria-label={label} style={{ height: `${count * rowPx}px` }}>
      {drawn.map(([entry, index]) => (
        <li
          key={entry.id}
          class="review-place"
          aria-posinset={index + 1}
          aria-setsize={count}
          style={{ height: `${rowPx}px`, transform: `translateY(${index * rowPx}px)` }}
        >
          {row(entry)}
        </li>
      ))}
    </ul>
  );
}

/** Brings a row into the window, between the header and the bar of views, which stay. */
export function scrollToRow(index: number, rowPx: number): void {
  const list = document.querySelector(".review-rows");
  if (!list || index < 0) return;
  const top = list.getBoundingClientRect().top + index * rowPx;
  const headerPx = (document.querySelector(".header")?.getBoundingClientRect().bottom ?? 0) + EDGE_PX;
  const bottomPx = document.querySelector(".bottom-nav")?.getBoundingClientRect().top ?? window.innerHeight;
  const below = top + rowPx - (bottomPx - EDGE_PX);
  if (top < headerPx) window.scrollBy(0, top - headerPx);
  else if (below > 0) window.scrollBy(0, below);
}
