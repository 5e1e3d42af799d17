import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import { strings } from "../strings";
import { FilterIcon } from "./icons";

interface Props {
  /** How many filters in it are set. */
  active: number;
  open: boolean;
  onOpen: (open: boolean) => void;
  children: ComponentChildren;
}

/** Filters, which stand behind a button where there is little room. */
export function FiltersPanel({ active, open, onOpen, children }: Props) {
  const panelId = useId();
  return (
    <div class="filters">
      <button
        type="button"
        class="button filters-toggle"
        aria-expanded={open}
        aria-controls={panelId}
        onClick={() => onOpen(!open)}
      >
        <FilterIcon />
        {strings.filters.toggle(active)}
      </button>
      <div id={panelId} class={`filters-panel ${open ? "is-open" : ""}`}>
        {children}
      </div>
    </div>
  );
}
