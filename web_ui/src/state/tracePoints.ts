import type { Trace } from "../api/types";

export type Point = "captured" | "arrived" | "received" | "labelled" | "stored" | "decided" | "published";

/** The points of a frame's way to a text, in order; null where the time is not known. */
export function pointsOf(trace: Trace): [Point, string | null][] {
  return [
    ["captured", trace.captured_at],
    ["arrived", trace.arrived_at],
    ["received", trace.received_at],
    ["labelled", trace.labelled_at],
    ["stored", trace.stored_at],
    ["decided", trace.decided_at],
    ["published", trace.published_at],
  ];
}
