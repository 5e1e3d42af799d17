import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { binWords, timeTicks, valueTicks, type Bin } from "../../state/charts";
import type { Stack } from "../../state/chartsSeries";
import { charts as words } from "../../strings/charts";
import { fillOf, Swatch, UNKNOWN_FILL } from "./patterns";

// At a root font of 16 px; a wall's is larger, and everything that text needs grows with it.
const HEIGHT = 220;
const TOP = 8;
const BOTTOM = 38;
const RIGHT = 6;
const TICK = 72;
const DIGIT = 7.5;
/** The least between two lines of an axis that does not count things. */
const FINEST = 0.0001;

interface Props {
  title: string;
  /** What the key is headed with while no bar is chosen. */
  whole: string;
  bins: readonly Bin[];
  hours: number;
  zone: string;
  stack: Stack;
  /** Of each series. */
  names: readonly string[];
  tones: readonly number[];
  /** Bars of which `unknownSeries` is not known, and what that means. */
  unknown?: { bins: readonly boolean[]; series: number; words: string };
  /** What else is to be said of a bar. */
  noteOf: (bin: number) => string | null;
  /** How figures are written; left out where they count things. */
  figure?: (value: number, most?: number) => string;
  /** Beside the figures of a chosen bar. */
  linkOf?: (bin: Bin) => ComponentChildren;
}

/** Bars of stacked counts with their key, which is also where the figures of one bar are read: hovered, tapped, or by arrow keys. */
export function StackedBars({ title, whole, bins, hours, zone, stack, names, tones, unknown, noteOf, figure, linkOf }: Props) {
  const written: NonNullable<Props["figure"]> = figure ?? words.number;
  const plot = useRef<HTMLDivElement>(null);
  const { width, scale } = useSize(plot);
  const [chosenMs, setChosenMs] = useState<number | null>(null);
  // By its time: the bars move on by one at each full hour.
  const found = bins.findIndex(({ fromMs }) => fromMs === chosenMs);
  const chosen = found < 0 ? null : found;
  const choose = (bin: number | null) => setChosenMs(bin === null ? null : (bins[Math.max(0, Math.min(bins.length - 1, bin))]?.fromMs ?? null));

  const ticks = valueTicks(Math.max(...stack.totals), figure ? FINEST : 1);
  const plotLeft = (14 + DIGIT * Math.max(...ticks.map((value) => written(value, ticks.at(-1)).length))) * scale;

  const at = chosen ?? bins.length - 1;
  const isUnknown = (bin: number, series: number) => unknown !== undefined && unknown.series === series && unknown.bins[bin] === true;
  const barWords = (bin: number) => binWords(bins[bin]!, hours, zone);
  const valueText = words.stack.value(
    barWords(at),
    written(stack.totals[at]!),
    names.map((name, n) =>
      isUnknown(at, n) ? words.stack.unknownPart(name) : words.stack.part(name, written(stack.series[n]!.values[at]!)),
    ),
  );
  const note = chosen === null ? null : noteOf(chosen);

  const onKeyDown = (event: KeyboardEvent) => {
    const to = { ArrowLeft: at - 1, ArrowDown: at - 1, ArrowRight: at + 1, ArrowUp: at + 1, Home: 0, End: bins.length - 1 }[event.key];
    if (event.key === "Escape" && chosen !== null) choose(null);
    else if (to === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    else choose(chosen === null && event.key !== "Home" ? bins.length - 1 : to);
    event.preventDefault();
  };
  const onPointer = (event: PointerEvent) => {
    const left = (event.currentTarget as Element).getBoundingClientRect().left;
    const share = (event.clientX - left - plotLeft) / Math.max(1, width - plotLeft - RIGHT);
    if (share >= 0 && share < 1) choose(Math.floor(share * bins.length));
  };

  return (
    <div class="stack">
      <div
        ref={plot}
        class="stack-plot"
        role="slider"
        tabIndex={0}
        aria-label={words.stack.slider(title)}
        aria-valuemin={1}
        aria-valuemax={bins.length}
        aria-valuenow={at + 1}
        aria-valuetext={valueText}
        onKeyDown={onKeyDown}
        onPointerMove={onPointer}
        onPointerDown={onPointer}
      >
        {width > 0 && (
          <Drawing {...{ width, scale, plotLeft, ticks, written, bins, hours, zone, stack, tones, chosen }} unknown={unknown?.bins} />
        )}
      </div>
      <div class="stack-key">
        <p class="stack-at">{chosen === null ? whole : barWords(chosen)}</p>
        <ul>
          {stack.series.map(({ key, values, total }, n) => (
            <li key={key ?? ""}>
              <Swatch fill={fillOf(tones[n]!)} />
              <span class="stack-name">{names[n]}</span>
              <span class="digits">
                {chosen === null ? written(total) : isUnknown(chosen, n) ? words.stack.unknown : written(values[chosen]!)}
              </span>
            </li>
          ))}
          {unknown?.bins.includes(true) && (
            <li>
              <Swatch fill={UNKNOWN_FILL} />
              <span class="stack-name">{unknown.words}</span>
            </li>
          )}
        </ul>
        <div class="stack-more">
          {chosen !== null && (
            <>
              {linkOf?.(bins[chosen]!)}
              <button type="button" class="link" onClick={() => choose(null)}>
                {words.stack.clear}
              </button>
            </>
          )}
          <span class="hint">{note}</span>
        </div>
      </div>
    </div>
  );
}

interface DrawingProps extends Pick<Props, "bins" | "hours" | "zone" | "stack" | "tones"> {
  width: number;
  scale: number;
  /** Beside the numbers of the axis. */
  plotLeft: number;
  ticks: readonly number[];
  written: NonNullable<Props["figure"]>;
  chosen: number | null;
  unknown?: readonly boolean[] | undefined;
}

function Drawing({ width, scale, plotLeft, ticks, written, bins, hours, zone, stack, tones, chosen, unknown }: DrawingProps) {
  const plotWidth = Math.max(1, width - plotLeft - RIGHT);
  const height = HEIGHT * scale;
  const plotHeight = height - TOP - BOTTOM * scale;
  const step = plotWidth / bins.length;
  const gap = step > 6 ? step * 0.2 : step > 3 ? 1 : 0;
  const perUnit = plotHeight / ticks.at(-1)!;
  const baseline = TOP + plotHeight;
  const times = timeTicks(bins, hours, Math.floor(plotWidth / (TICK * scale)), zone);
  return (
    <svg width={width} height={height} aria-hidden="true" focusable="false">
      {chosen !== null && <rect class="stack-chosen" x={plotLeft + chosen * step} y={TOP} width={step} height={plotHeight} />}
      {ticks.map((value) => (
        <g key={value}>
          <line class={value ? "stack-grid" : "stack-base"} x1={plotLeft} x2={width - RIGHT} y1={baseline - value * perUnit} y2={baseline - value * perUnit} />
          <text class="stack-tick" x={plotLeft - 6} y={baseline - value * perUnit + 4 * scale} text-anchor="end">
            {written(value, ticks.at(-1))}
          </text>
        </g>
      ))}
      {bins.map(({ fromMs }, bin) => {
        let below = 0;
        const x = plotLeft + bin * step + gap / 2;
        return (
          <g key={fromMs} class={chosen === null || chosen === bin ? "" : "is-back"}>
            {stack.series.map(({ key, values }, n) => {
              const value = values[bin]!;
              below += value;
              return value ? (
                <rect key={key ?? ""} x={x} y={baseline - below * perUnit} width={step - gap} height={value * perUnit} fill={fillOf(tones[n]!)} />
              ) : null;
            })}
            {unknown?.[bin] && <rect class="stack-unknown" x={x} y={TOP} width={step - gap} height={plotHeight - below * perUnit} fill={UNKNOWN_FILL} />}
          </g>
        );
      })}
      {times.map(({ index, time, date }) => {
        const x = plotLeft + (index + (hours === 24 ? 0.5 : 0)) * step;
        return (
          <g key={index}>
            <line class="stack-base" x1={x} x2={x} y1={baseline} y2={baseline + 4} />
            <text class="stack-tick" x={x} y={baseline + 17 * scale} text-anchor={anchorOf(x, width, 30 * scale)}>
              {time || date}
            </text>
            {time && date && (
              <text class="stack-tick" x={x} y={baseline + 32 * scale} text-anchor={anchorOf(x, width, 30 * scale)}>
                {date}
              </text>
            )}
          </g>
        );
      })}
    </svg>
  );
}

/** A label at an edge stays inside. */
function anchorOf(x: number, width: number, half: number): "start" | "middle" | "end" {
  if (x < half) return "start";
  return x > width - half ? "end" : "middle";
}

/** width: 0 until it is laid out. scale: of text. */
function useSize(element: { current: HTMLElement | null }): { width: number; scale: number } {
  const [size, setSize] = useState({ width: 0, scale: 1 });
  useEffect(() => {
    if (!element.current) return;
    const observer = new ResizeObserver(([entry]) => {
      const scale = Number.parseFloat(getComputedStyle(document.documentElement).fontSize) / 16 || 1;
      if (entry) setSize({ width: Math.floor(entry.contentRect.width), scale });
    });
    observer.observe(element.current);
    return () => observer.disconnect();
  }, []);
  return size;
}
