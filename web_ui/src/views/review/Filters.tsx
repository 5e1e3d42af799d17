import type { Severity, Site } from "../../api/types";
import { activeFilters, has, NO_REVIEW_FILTERS, type ReviewFilters } from "../../state/reviewAddress";
import { ruleWords, rulesOf } from "../../state/reviewWords";
import { strings } from "../../strings";
import { review } from "../../strings/review";
import { FiltersPanel } from "../../ui/FiltersPanel";
import { LabelInput } from "../frames/FilterBar";
import { useRangeChoice } from "../frames/useRangeChoice";

const CONFIDENCES = [50, 60, 70, 80, 90, 95];
const SEVERITIES: readonly Severity[] = ["critical", "alert", "notice"];

interface Props {
  filters: ReviewFilters;
  site: Site;
  zone: string;
  open: boolean;
  serverNow: () => number;
  onOpen: (open: boolean) => void;
  onChange: (filters: ReviewFilters) => void;
}

export function Filters({ filters, site, zone, open, serverNow, onOpen, onChange }: Props) {
  const { shown } = filters;
  const change = (part: Partial<ReviewFilters>) => onChange({ ...filters, ...part });
  const { buttons, custom } = useRangeChoice({
    range: filters.range,
    group: review.filters.times,
    any: { words: review.filters.anyTime, title: review.filters.anyTimeTitle },
    zone,
    serverNow,
    onChange: (range) => change({ range }),
  });
  const active = activeFilters(filters);
  const zones = [...new Set(site.cameras.flatMap((camera) => camera.zones.map(({ zone_id }) => zone_id)))];
  return (
    <FiltersPanel active={active} open={open} onOpen={onOpen}>
      {site.cameras.length > 1 && <Cameras site={site} chosen={filters.cameras} onChange={(cameras) => change({ cameras })} />}
      {buttons}
      {has(shown, "label") && (
        <LabelInput value={filters.label} suggestions={site.watch_labels} onChange={(label) => change({ label })} />
      )}
      {has(shown, "answered") && (
        <Choice
          name={review.filters.answered}
          value={filters.answered === null ? "" : String(filters.answered)}
          options={[
            ["", review.filters.anyAnswered],
            ["false", review.filters.isUnanswered],
            ["true", review.filters.isAnswered],
          ]}
          onChange={(value) => change({ answered: value === "" ? null : value === "true" })}
        />
      )}
      {has(shown, "severity") && (
        <Choice
          name={review.filters.severity}
          value={filters.severity ?? ""}
          options={[["", review.filters.anySeverity], ...SEVERITIES.map((each): [string, string] => [each, review.severity[each]])]}
          onChange={(value) => change({ severity: (value || null) as Severity | null })}
        />
      )}
      {has(shown, "rule") && (
        <Choice
          name={review.filters.rule}
          value={filters.rule ?? ""}
          options={withChosen([["", review.filters.anyRule], ...rulesOf(site).map((id): [string, string] => [id, ruleWords(id)])], filters.rule)}
          onChange={(value) => change({ rule: value || null })}
        />
      )}
      {has(shown, "zone") && (zones.length > 0 || filters.zone !== null) && (
        <Choice
          name={review.filters.zone}
          value={filters.zone ?? ""}
          options={withChosen([["", review.filters.anyZone], ...zones.map((id): [string, string] => [id, id])], filters.zone)}
          onChange={(value) => change({ zone: value || null })}
        />
      )}
      {has(shown, "minConfidence") && (
        <Choice
          name={review.filters.confidence}
          value={filters.minConfidence === null ? "" : String(filters.minConfidence)}
          options={withChosen(
            [["", review.filters.anyConfidence], ...CONFIDENCES.map((n): [string, string] => [String(n), review.filters.atLeast(n)])],
            filters.minConfidence === null ? null : String(filters.minConfidence),
          )}
          onChange={(value) => change({ minConfidence: value ? Number(value) : null })}
        />
      )}
      {active > 0 && (
        <button type="button" class="button button-quiet" onClick={() => onChange({ ...NO_REVIEW_FILTERS, shown })}>
          {strings.filters.clear}
        </button>
      )}
      {custom}
    </FiltersPanel>
  );
}

/** What the address asks for is there to be seen, even where the site does not know it (any more). */
function withChosen(options: [string, string][], chosen: string | null): [string, string][] {
  return chosen === null || options.some(([value]) => value === chosen) ? options : [...options, [chosen, chosen]];
}

interface ChoiceProps {
  name: string;
  value: string;
  options: [value: string, words: string][];
  onChange: (value: string) => void;
}

function Choice({ name, value, options, onChange }: ChoiceProps) {
  return (
    <select class={`choice ${value ? "is-set" : ""}`} aria-label={name} value={value} onChange={(event) => onChange(event.currentTarget.value)}>
      {options.map(([each, words]) => (
        <option key={each} value={each}>
          {words}
        </option>
      ))}
    </select>
  );
}

function Cameras({ site, chosen, onChange }: { site: Site; chosen: readonly string[]; onChange: (cameras: string[]) => void }) {
  const others = chosen.filter((id) => !site.cameras.some(({ camera_id }) => camera_id === id));
  const all = [
    ...site.cameras.map(({ camera_id, name }) => [camera_id, name] as const),
    ...others.map((id) => [id, strings.cameras.unknown(id)] as const),
  ];
  return (
    <div class="cameras" role="group" aria-label={strings.cameras.legend}>
      <button type="button" class="camera" aria-pressed={chosen.length === 0} onClick={() => onChange([])}>
        <span class="camera-name">{strings.cameras.all}</span>
      </button>
      {all.map(([id, name]) => (
        <button
          type="button"
          key={id}
          class="camera"
          data-camera-id={id}
          aria-pressed={chosen.includes(id)}
          onClick={() => onChange(chosen.includes(id) ? chosen.filter((each) => each !== id) : [...chosen, id])}
        >
          <span class="camera-name">{name}</span>
        </button>
      ))}
    </div>
  );
}
