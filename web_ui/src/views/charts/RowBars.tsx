import { fillOf, Swatch } from "./patterns";

export interface Row {
  key: string;
  name: string;
  /** The exact figures in words, always there to be read. */
  figures: string;
  /** Ends of the parts, each measured from 0, rising. */
  ends: readonly number[];
  strong?: boolean;
}

interface Props {
  rows: readonly Row[];
  /** Of each part. */
  tones: readonly number[];
  /** What each part is; left out where there is one. */
  keys?: readonly string[];
}

/** Bars that lie, each under its name and figures. */
export function RowBars({ rows, tones, keys = [] }: Props) {
  const most = Math.max(...rows.flatMap(({ ends }) => ends), 0) || 1;
  const percent = (value: number) => `${(value / most) * 100}%`;
  return (
    <>
      <ul class="rows">
        {rows.map(({ key, name, figures, ends, strong }) => (
          <li key={key} class={strong ? "is-strong" : ""}>
            <span class="rows-name">{name}</span>
            <span class="rows-figures digits">{figures}</span>
            <svg width="100%" aria-hidden="true" focusable="false">
              {ends.map((end, n) => {
                const start = ends[n - 1] ?? 0;
                return <rect key={n} x={percent(start)} width={percent(end - start)} height="100%" fill={fillOf(tones[n]!)} />;
              })}
            </svg>
          </li>
        ))}
      </ul>
      {keys.length > 0 && (
        <ul class="rows-keys">
          {keys.map((key, n) => (
            <li key={key}>
              <Swatch fill={fillOf(tones[n]!)} />
              {key}
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
