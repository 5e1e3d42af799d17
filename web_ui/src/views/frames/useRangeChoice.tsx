import type { ComponentChild } from "preact";
import { useLayoutEffect, useState } from "preact/hooks";
import { PRESET_MINUTES, type PresetMinutes, type TimeRange } from "../../state/filters";
import { strings } from "../../strings";
import { readEnd, type ReadEnd } from "../../time/wall";
import { inputValueAt, siteTimeAt, zoneAbbreviation } from "../../time/zone";

interface Options {
  range: TimeRange;
  /** What the buttons are called together. */
  group: string;
  /** What no range means. */
  any: { words: string; title: string };
  zone: string;
  serverNow: () => number;
  onChange: (range: TimeRange) => void;
}

/** Buttons that choose a time range, and the form that one of them opens, for whoever puts other filters in between. */
export function useRangeChoice({ range, group, any, zone, serverNow, onChange }: Options): {
  buttons: ComponentChild;
  custom: ComponentChild;
} {
  const [customOpen, setCustomOpen] = useState(range.kind === "custom");
  // The back button may bring a range or take it away; at once, or it would undo a press that follows.
  useLayoutEffect(() => setCustomOpen(range.kind === "custom"), [range]);
  const pressed = customOpen ? "custom" : range.kind === "last" ? String(range.minutes) : range.kind;
  const choose = (key: string) => {
    if (key === "custom") return setCustomOpen(!customOpen || range.kind === "custom");
    setCustomOpen(false);
    onChange(key === "any" ? { kind: "any" } : { kind: "last", minutes: Number(key) as PresetMinutes });
  };
  const buttons = (
    <div class="segments" role="group" aria-label={group}>
      {["any", ...PRESET_MINUTES.map(String), "custom"].map((key) => (
        <button
          type="button"
          key={key}
          title={key === "any" ? any.title : strings.filters.presetTitles[key]}
          aria-pressed={pressed === key}
          onClick={() => choose(key)}
        >
          {key === "any" ? any.words : strings.filters.presets[key]}
        </button>
      ))}
    </div>
  );
  const custom = customOpen && <CustomRange key={rangeKey(range)} range={range} zone={zone} serverNow={serverNow} onApply={onChange} />;
  return { buttons, custom };
}

function rangeKey(range: TimeRange): string {
  return range.kind === "custom" ? `${range.fromMs} ${range.toMs}` : range.kind;
}

interface CustomRangeProps {
  range: TimeRange;
  zone: string;
  serverNow: () => number;
  onApply: (range: TimeRange) => void;
}

function rangeWords({ fromMs, toMs }: { fromMs: number | null; toMs: number | null }, words: (utcMs: number) => string): string {
  if (fromMs !== null && toMs !== null) return strings.filters.summaryBoth(words(fromMs), words(toMs));
  if (fromMs !== null) return strings.filters.summaryFrom(words(fromMs));
  return toMs === null ? "" : strings.filters.summaryTo(words(toMs));
}

function CustomRange({ range, zone, serverNow, onApply }: CustomRangeProps) {
  const custom = range.kind === "custom" ? range : { fromMs: null, toMs: null };
  const shown = (utcMs: number | null) => (utcMs === null ? "" : inputValueAt(utcMs, zone));
  const [from, setFrom] = useState(shown(custom.fromMs));
  const [to, setTo] = useState(shown(custom.toMs));
  const [refused, setRefused] = useState<string | null>(null);
  // A field that was not touched keeps its exact instant: 02:30 may be the second one, or have seconds.
  const read = (value: string, utcMs: number | null, which: "from" | "to"): ReadEnd =>
    utcMs !== null && value === shown(utcMs) ? { utcMs, note: null } : readEnd(value, which, zone);
  const fromEnd = read(from, custom.fromMs, "from");
  const toEnd = read(to, custom.toMs, "to");

  const submit = (event: Event) => {
    event.preventDefault();
    if (fromEnd.utcMs === null || toEnd.utcMs === null || (fromEnd.utcMs === undefined && toEnd.utcMs === undefined)) {
      return setRefused(strings.filters.badTime);
    }
    const fromMs = fromEnd.utcMs ?? null;
    const toMs = toEnd.utcMs ?? null;
    if (fromMs !== null && toMs !== null && fromMs >= toMs) return setRefused(strings.filters.badOrder);
    setRefused(null);
    onApply({ kind: "custom", fromMs, toMs });
  };

  const words = (utcMs: number) => {
    const at = siteTimeAt(utcMs, zone);
    return `${at.date}, ${at.time} ${at.zone}`;
  };
  const notes = [fromEnd.note, toEnd.note].filter((note): note is string => note !== null);
  return (
    <form class="custom" onSubmit={submit} noValidate>
      <label>
        {strings.filters.from}
        <input type="datetime-local" name="from" value={from} onInput={(event) => setFrom(event.currentTarget.value)} />
      </label>
      <label>
        {strings.filters.to}
        <input type="datetime-local" name="to" value={to} onInput={(event) => setTo(event.currentTarget.value)} />
      </label>
      <button type="submit" class="button button-main">
        {strings.filters.apply}
      </button>
      <p class="hint">{strings.filters.zoneHint(zone, zoneAbbreviation(serverNow(), zone))}</p>
      <div class="custom-notes" role="status">
        {range.kind === "custom" && <p>{rangeWords(range, words)}</p>}
        {notes.map((note) => (
          <p key={note}>{note}</p>
        ))}
        {refused && <p class="is-bad">{refused}</p>}
      </div>
    </form>
  );
}
