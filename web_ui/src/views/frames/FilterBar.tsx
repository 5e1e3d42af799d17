import { useId, useLayoutEffect, useState } from "preact/hooks";
import { activeCount, PRESET_MINUTES, type Filters, type PresetMinutes, type TimeRange } from "../../state/filters";
import { strings } from "../../strings";
import { readEnd, type ReadEnd } from "../../time/wall";
import { inputValueAt, siteTimeAt, zoneAbbreviation } from "../../time/zone";
import { CloseIcon, EyeIcon, FilterIcon } from "../../ui/icons";

interface Props {
  filters: Filters;
  zone: string;
  suggestions: readonly string[];
  serverNow: () => number;
  onChange: (filters: Filters) => void;
  onClear: () => void;
}

export function FilterBar({ filters, zone, suggestions, serverNow, onChange, onClear }: Props) {
  const [open, setOpen] = useState(false);
  const [customOpen, setCustomOpen] = useState(filters.range.kind === "custom");
  const panelId = useId();
  // The back button may bring a range or take it away; at once, or it would undo a press that follows.
  useLayoutEffect(() => setCustomOpen(filters.range.kind === "custom"), [filters.range]);

  const active = activeCount(filters);
  const inPanel = active - Number(!!filters.camera);
  const pressed = customOpen ? "custom" : filters.range.kind === "last" ? String(filters.range.minutes) : filters.range.kind;
  const choose = (key: string) => {
    if (key === "custom") return setCustomOpen(!customOpen || filters.range.kind === "custom");
    setCustomOpen(false);
    onChange({ ...filters, range: key === "any" ? { kind: "any" } : { kind: "last", minutes: Number(key) as PresetMinutes } });
  };

  return (
    <div class="filters">
      <button
        type="button"
        class="button filters-toggle"
        aria-expanded={open}
        aria-controls={panelId}
        onClick={() => setOpen(!open)}
      >
        <FilterIcon />
        {strings.filters.toggle(inPanel)}
      </button>
      <div id={panelId} class={`filters-panel ${open ? "is-open" : ""}`}>
        <div class="segments" role="group" aria-label={strings.filters.time}>
          {["any", ...PRESET_MINUTES.map(String), "custom"].map((key) => (
            <button
              type="button"
              key={key}
              title={strings.filters.presetTitles[key]}
              aria-pressed={pressed === key}
              onClick={() => choose(key)}
            >
              {strings.filters.presets[key]}
            </button>
          ))}
        </div>
        <LabelInput value={filters.label} suggestions={suggestions} onChange={(label) => onChange({ ...filters, label })} />
        <label class="switch">
          <input
            type="checkbox"
            role="switch"
            checked={filters.watchOnly}
            onChange={(event) => onChange({ ...filters, watchOnly: event.currentTarget.checked })}
          />
          <span class="switch-track" aria-hidden="true" />
          <EyeIcon />
          {strings.filters.watchOnly}
        </label>
        {active > 0 && (
          <button type="button" class="button button-quiet" onClick={onClear}>
            {strings.filters.clear}
          </button>
        )}
        {customOpen && (
          <CustomRange
            key={rangeKey(filters.range)}
            range={filters.range}
            zone={zone}
            serverNow={serverNow}
            onApply={(range) => onChange({ ...filters, range })}
          />
        )}
      </div>
    </div>
  );
}

export function rangeKey(range: TimeRange): string {
  return range.kind === "custom" ? `${range.fromMs} ${range.toMs}` : range.kind;
}

interface LabelInputProps {
  value: string | null;
  suggestions: readonly string[];
  onChange: (label: string | null) => void;
}

/** Applied on Enter, on leaving the field, and at once when a suggestion is picked. */
export function LabelInput({ value, suggestions, onChange }: LabelInputProps) {
  const [text, setText] = useState(value ?? "");
  const listId = useId();
  useLayoutEffect(() => setText(value ?? ""), [value]);
  const apply = (typed: string) => {
    const label = typed.trim() || null;
    if (label !== value) onChange(label);
  };
  return (
    <form
      class="label-input"
      onSubmit={(event) => {
        event.preventDefault();
        apply(text);
      }}
    >
      <label>
        <span class="sr-only">{strings.filters.label}</span>
        <input
          type="text"
          name="label"
          list={listId}
          value={text}
          placeholder={strings.filters.labelPlaceholder}
          autocomplete="off"
          autocapitalize="none"
          spellcheck={false}
          maxLength={100}
          enterkeyhint="search"
          onInput={(event) => {
            const typed = event.currentTarget.value;
            setText(typed);
            // Picking from the list replaces the whole text; typing letter by letter is not a choice yet.
            const picked = event instanceof InputEvent ? event.inputType === "insertReplacementText" : true;
            if (picked && suggestions.includes(typed)) apply(typed);
          }}
          onBlur={(event) => {
            // On the way to the clear button, what was typed is about to go.
            if (!event.currentTarget.form?.contains(event.relatedTarget as Node | null)) apply(text);
          }}
        />
      </label>
      <datalist id={listId}>
        {suggestions.map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
      {text && (
        <button
          type="button"
          class="label-clear"
          aria-label={strings.filters.labelClear}
          onClick={() => {
            setText("");
            apply("");
          }}
        >
          <CloseIcon />
        </button>
      )}
    </form>
  );
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

export function CustomRange({ range, zone, serverNow, onApply }: CustomRangeProps) {
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
