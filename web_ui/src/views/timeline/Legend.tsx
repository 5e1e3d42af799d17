import type { Severity } from "../../api/types";
import type { Row } from "../../state/timelineItems";
import { timeline as words } from "../../strings/timeline";
import { AlertMark } from "./Marks";

const SEVERITIES: readonly Severity[] = ["critical", "alert", "notice"];

export function Legend({ rows, label, density }: { rows: readonly Row[]; label: string | null; density: "there" | "waits" | "none" }) {
  return (
    <div class="tl-legend">
      <ul aria-label={words.legend}>
        {rows.map(({ label: name, tone }) => (
          <li key={tone}>
            <i class={`tl-swatch tone-${tone}`} aria-hidden="true" />
            {name ?? words.others}
          </li>
        ))}
        {SEVERITIES.map((severity) => (
          <li key={severity}>
            <AlertMark severity={severity} isAnswered={false} />
            {words.severityLegend[severity]}
          </li>
        ))}
        <li>
          <AlertMark severity="alert" isAnswered />
          {words.legendAnswered}
        </li>
        {density === "there" && (
          <>
            <li>
              <i class="tl-swatch is-frames" aria-hidden="true" />
              {words.legendFrames}
            </li>
            <li>
              <i class="tl-swatch is-labelled" aria-hidden="true" />
              {words.legendLabelled(label)}
            </li>
          </>
        )}
      </ul>
      {density !== "there" && <p class="hint">{density === "none" ? words.noDensity : words.densityWaits}</p>}
    </div>
  );
}
