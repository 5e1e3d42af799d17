import { strings } from "../strings";
import { instantsOf, parseInputValue, siteTimeAt, zoneAbbreviation } from "./zone";

/** utcMs is undefined for an empty field, null for one that names no date. */
export interface ReadEnd {
  utcMs: number | null | undefined;
  note: string | null;
}

/** What <input type="datetime-local"> means. A doubled hour takes its first pass for "from" and its second for "to", so the range never loses a frame. */
export function readEnd(value: string, which: "from" | "to", zone: string): ReadEnd {
  if (!value) return { utcMs: undefined, note: null };
  const wall = parseInputValue(value);
  if (!wall) return { utcMs: null, note: null };
  const meaning = instantsOf(wall, zone);
  const wallWords = value.slice(11, 16);
  if (meaning.kind === "once") return { utcMs: meaning.utcMs, note: null };
  if (meaning.kind === "skipped") {
    const used = siteTimeAt(meaning.resumesMs, zone);
    return { utcMs: meaning.resumesMs, note: strings.filters.skipped(wallWords, `${used.timeToMinute} ${used.zone}`) };
  }
  const utcMs = which === "from" ? meaning.earlierMs : meaning.laterMs;
  const words = which === "from" ? strings.filters.twiceFrom : strings.filters.twiceTo;
  return { utcMs, note: words(wallWords, zoneAbbreviation(utcMs, zone)) };
}
