// Site time, whatever zone the browser is in.
//
// Intl only. The browser already carries the zone rules, and the two things asked of them (what does the wall say at
// this instant, which instants does this wall time name) fit on this page; a date library adds 6 to 25 KB to a page that
// weighs less than 40. zone.test.ts holds this page to every clock change of a year in six zones.

export interface WallTime {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
}

export type WallMeaning =
  | { kind: "once"; utcMs: number }
  /** The hour that a clock change doubles. */
  | { kind: "twice"; earlierMs: number; laterMs: number }
  /** The hour that a clock change skips; resumesMs is the instant of the change. */
  | { kind: "skipped"; resumesMs: number };

const DAY_MS = 86_400_000;
const formatters = new Map<string, Intl.DateTimeFormat>();

function formatter(key: string, make: () => Intl.DateTimeFormat): Intl.DateTimeFormat {
  let found = formatters.get(key);
  if (!found) {
    found = make();
    formatters.set(key, found);
  }
  return found;
}

export function isTimeZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}

export function wallTimeAt(utcMs: number, zone: string): WallTime {
  const format = formatter(`wall ${zone}`, () =>
    new Intl.DateTimeFormat("en-US", {
      timeZone: zone,
      calendar: "gregory",
      numberingSystem: "latn",
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    }),
  );
  const wall: WallTime = { year: 0, month: 0, day: 0, hour: 0, minute: 0, second: 0 };
  for (const { type, value } of format.formatToParts(utcMs)) {
    if (type in wall) wall[type as keyof WallTime] = Number(value);
  }
  return wall;
}

/** Local minus UTC at this instant. */
export function zoneOffsetMs(utcMs: number, zone: string): number {
  return asIfUtc(wallTimeAt(utcMs, zone)) - Math.floor(utcMs / 1000) * 1000;
}

export function instantsOf(wall: WallTime, zone: string): WallMeaning {
  const naiveMs = asIfUtc(wall);
  // Every true instant lies within a day of the naive one, so one of these two offsets holds at it.
  const before = zoneOffsetMs(naiveMs - DAY_MS, zone);
  const after = zoneOffsetMs(naiveMs + DAY_MS, zone);
  const instants = [...new Set([naiveMs - before, naiveMs - after])]
    .filter((utcMs) => utcMs + zoneOffsetMs(utcMs, zone) === naiveMs)
    .sort((a, b) => a - b);
  const [first, second] = instants;
  if (first === undefined) return { kind: "skipped", resumesMs: changeBetween(naiveMs - DAY_MS, naiveMs + DAY_MS, zone) };
  if (second === undefined) return { kind: "once", utcMs: first };
  return { kind: "twice", earlierMs: first, laterMs: second };
}

/** First instant with the later offset; the two ends differ in offset by one change. */
export function changeBetween(lowMs: number, highMs: number, zone: string): number {
  const offsetLow = zoneOffsetMs(lowMs, zone);
  let low = lowMs;
  let high = highMs;
  while (high - low > 1000) {
    const middle = Math.floor((low + high) / 2000) * 1000;
    if (zoneOffsetMs(middle, zone) === offsetLow) low = middle;
    else high = middle;
  }
  return high;
}

function asIfUtc(wall: WallTime): number {
  return Date.UTC(wall.year, wall.month - 1, wall.day, wall.hour, wall.minute, wall.second);
}

const INPUT_VALUE = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2})(?::(\d{2}))?/;

/** Reads what <input type="datetime-local"> holds; null when it is empty or no date. */
export function parseInputValue(value: string): WallTime | null {
  const match = INPUT_VALUE.exec(value);
  if (!match) return null;
  const [year, month, day, hour, minute, second] = match.slice(1).map((digits) => Number(digits ?? 0));
  const wall = { year: year!, month: month!, day: day!, hour: hour!, minute: minute!, second: second! };
  const back = new Date(asIfUtc(wall));
  return back.getUTCDate() === wall.day && back.getUTCHours() === wall.hour ? wall : null; // 31 June is no date
}

/** The value for <input type="datetime-local"> that shows this instant in site time, to the minute. */
export function inputValueAt(utcMs: number, zone: string): string {
  const { year, month, day, hour, minute } = wallTimeAt(utcMs, zone);
  const two = (n: number) => String(n).padStart(2, "0");
  return `${String(year).padStart(4, "0")}-${two(month)}-${two(day)}T${two(hour)}:${two(minute)}`;
}

export interface SiteTime {
  /** 04:17:13 */
  time: string;
  /** 04:17 */
  timeToMinute: string;
  /** 21 Nov 2026 */
  date: string;
  /** Saturday 21 November 2026 */
  longDate: string;
  /** CET, EST; GMT+5:30 where a zone has no letters. */
  zone: string;
}

export function siteTimeAt(utcMs: number, zone: string): SiteTime {
  const { year, day, hour, minute, second } = wallTimeAt(utcMs, zone);
  const two = (n: number) => String(n).padStart(2, "0");
  const named = (key: string, options: Intl.DateTimeFormatOptions) =>
    formatter(`${key} ${zone}`, () => new Intl.DateTimeFormat("en-GB", { timeZone: zone, ...options })).format(utcMs);
  const month = named("month", { month: "long" });
  return {
    time: `${two(hour)}:${two(minute)}:${two(second)}`,
    timeToMinute: `${two(hour)}:${two(minute)}`,
    date: `${day} ${month.slice(0, 3)} ${year}`,
    longDate: `${named("weekday", { weekday: "long" })} ${day} ${month} ${year}`,
    zone: zoneAbbreviation(utcMs, zone),
  };
}

// CET is known to en-GB and not to en-US; EST the other way round. The first that has letters wins.
const ABBREVIATION_LOCALES = ["en-GB", "en-US", "en-AU", "en-IN", "en-ZA", "en-NZ"];

export function zoneAbbreviation(utcMs: number, zone: string): string {
  let fallback = "";
  for (const locale of ABBREVIATION_LOCALES) {
    const name = formatter(`abbr ${locale} ${zone}`, () => new Intl.DateTimeFormat(locale, { timeZone: zone, timeZoneName: "short" }))
      .formatToParts(utcMs)
      .find((part) => part.type === "timeZoneName")?.value;
    if (name && !/[+\-\u2212]/.test(name)) return name;
    fallback ||= name ?? "";
  }
  return fallback;
}
