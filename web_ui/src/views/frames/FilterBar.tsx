import { useId, useLayoutEffect, useState } from "preact/hooks";
import { activeCount, type Filters } from "../../state/filters";
import { strings } from "../../strings";
import { FiltersPanel } from "../../ui/FiltersPanel";
import { CloseIcon, EyeIcon } from "../../ui/icons";
import { Switch } from "../../ui/Switch";
import { useRangeChoice } from "./useRangeChoice";

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
  const { buttons, custom } = useRangeChoice({
    range: filters.range,
    group: strings.filters.time,
    any: { words: strings.filters.presets.any!, title: strings.filters.presetTitles.any! },
    zone,
    serverNow,
    onChange: (range) => onChange({ ...filters, range }),
  });

  const active = activeCount(filters);
  const inPanel = active - Number(!!filters.camera);

  return (
    <FiltersPanel active={inPanel} open={open} onOpen={setOpen}>
      {buttons}
      <LabelInput value={filters.label} suggestions={suggestions} onChange={(label) => onChange({ ...filters, label })} />
      <Switch
        words={strings.filters.watchOnly}
        icon={<EyeIcon />}
        isOn={filters.watchOnly}
        onChange={(watchOnly) => onChange({ ...filters, watchOnly })}
      />
      {active > 0 && (
        <button type="button" class="button button-quiet" onClick={onClear}>
          {strings.filters.clear}
        </button>
      )}
      {custom}
    </FiltersPanel>
  );
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
