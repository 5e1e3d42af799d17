import type { Severity } from "../../api/types";

const SHAPES: Record<Severity, string> = {
  critical: "M10 2.200 18.400 17H1.600Z",
  alert: "M10 1.700 18.300 10 10 18.300 1.700 10Z",
  notice: "M10 3a7 7 0 1 1 0 14 7 7 0 0 1 0-14Z",
};
const SIGNS: Record<Severity, string> = {
  critical: "M10 7.500v4.500M10 14.400v.4",
  alert: "M10 6v5M10 13.500v.5",
  notice: "M10 9v5M10 6.200v.4",
};
const CHECK = "m6.800 10.700 2.400 2.400 4.300-5";

/** An alert by its severity in shape and colour; full while nobody has answered, an outline with a tick after. */
export function AlertMark({ severity, isAnswered }: { severity: Severity; isAnswered: boolean }) {
  return (
    <svg class={`tl-mark-shape is-${severity} ${isAnswered ? "is-answered" : ""}`} viewBox="0 0 20 20" aria-hidden="true" focusable="false">
      <path class="tl-mark-body" d={SHAPES[severity]} />
      <path class="tl-mark-sign" d={isAnswered ? CHECK : SIGNS[severity]} />
    </svg>
  );
}
