// How much there was to see: frames, and frames with a label, as a soft skyline behind each lane.

import type { Stats, StatsBucket } from "../api/types";
import { rfc3339 } from "./filters";
import { xOf } from "./timelineScale";
import { DAY_MS, HOUR_MS, type TimeWindow } from "./timelineWindow";

/** The API's own steps, so that no request counts more than a few hundred. */
function stepMsFor(spanMs: number): number {
  if (spanMs <= 1.5 * DAY_MS) return 600_000;
  return spanMs <= 8 * DAY_MS ? HOUR_MS : DAY_MS;
}

export function densityQuery({ fromMs, toMs }: TimeWindow, cameras: readonly string[]) {
  const stepMs = stepMsFor(toMs - fromMs);
  // Steps are whole in UTC; a day is the site's own, and the API knows when it begins.
  const wholeMs = Math.min(stepMs, HOUR_MS);
  return {
    from: rfc3339(Math.floor(fromMs / wholeMs) * wholeMs),
    to: rfc3339(Math.ceil(toMs / wholeMs) * wholeMs),
    step: stepMs / 1000,
    camera: cameras,
  };
}

/** Share of a lane that the busiest step fills. */
const TALLEST = 0.8;

export interface Skyline {
  /** SVG paths in a box of widthPx by heightPx; "" where there is nothing. */
  frames: string;
  labelled: string;
}

/** Frames of a bucket that show this label, or any of the rules' words. */
function labelledIn(bucket: StatsBucket, label: string | null): number {
  if (label === null) return bucket.watch_frames;
  const name = Object.keys(bucket.by_label).find((each) => each.toLowerCase() === label.toLowerCase());
  return name === undefined ? 0 : (bucket.by_label[name] ?? 0);
}

/** By camera id. One scale for all of them: a quiet camera looks quiet beside a busy one. */
export function skylines(
  stats: Stats,
  label: string | null,
  window: TimeWindow,
  widthPx: number,
  heightPx: number,
): Map<string, Skyline> {
  const most = Math.max(1, ...stats.cameras.flatMap(({ buckets }) => buckets.map(({ frames }) => frames)));
  const stepMs = stats.step_s * 1000;
  const path = (buckets: readonly StatsBucket[], count: (bucket: StatsBucket) => number) =>
    buckets
      .map((bucket, index) => {
        const atMs = Date.parse(bucket.at);
        const nextMs = Date.parse(buckets[index + 1]?.at ?? "");
        // The two days of a clock change are shorter and longer than a day.
        const endMs = Math.abs(nextMs - atMs - stepMs) <= HOUR_MS && stepMs >= DAY_MS ? nextMs : atMs + stepMs;
        const x0 = Math.max(0, xOf(atMs, window, widthPx));
        const x1 = Math.min(widthPx, xOf(endMs, window, widthPx));
        // The root keeps one bird a night to be seen beside a day of traffic.
        const height = Math.sqrt(count(bucket) / most) * heightPx * TALLEST;
        if (x1 <= x0 || height === 0) return "";
        return `M${x0.toFixed(1)} ${heightPx}V${(heightPx - height).toFixed(1)}H${x1.toFixed(1)}V${heightPx}Z`;
      })
      .join("");
  return new Map(
    stats.cameras.map(({ camera_id, buckets }) => [
      camera_id,
      { frames: path(buckets, ({ frames }) => frames), labelled: path(buckets, (bucket) => labelledIn(bucket, label)) },
    ]),
  );
}
