// Colour is never alone: each tone has a pattern of its own.

const MARKS = [
  "",
  "M-2 2 2 -2M0 8 8 0M6 10 10 6",
  "M2 2h.01M6 6h.01",
  "M0 2h8M0 6h8",
  "M0 0 8 8M0 8 8 0",
  "M2 0v8",
  "M-2 6 2 10M0 0 8 8M6 -2 10 2",
];

export const fillOf = (tone: number) => `url(#chart-tone-${tone})`;
export const UNKNOWN_FILL = "url(#chart-unknown)";

/** Once on the page; the charts and their keys refer to it. */
export function Patterns() {
  return (
    <svg class="chart-patterns" width="0" height="0" aria-hidden="true" focusable="false">
      <defs>
        {MARKS.map((mark, tone) => (
          <pattern key={tone} id={`chart-tone-${tone}`} width="8" height="8" patternUnits="userSpaceOnUse">
            <rect width="8" height="8" class={`chart-tone-${tone}`} />
            <path d={mark} class="chart-mark" />
          </pattern>
        ))}
        <pattern id="chart-unknown" width="6" height="6" patternUnits="userSpaceOnUse">
          <path d="M-1 1 1 -1M0 6 6 0M5 7 7 5" class="chart-unknown" />
        </pattern>
      </defs>
    </svg>
  );
}

export function Swatch({ fill }: { fill: string }) {
  return (
    <svg class="chart-swatch" width="14" height="14" aria-hidden="true" focusable="false">
      <rect x=".5" y=".5" width="13" height="13" rx="3" fill={fill} />
    </svg>
  );
}
