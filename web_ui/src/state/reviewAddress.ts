// What the review shows, as its part of the address says it.
//
// `cameras` filters. `camera` and `at` belong to the alert that is open; without one, `camera` filters as well, so that a
// link from elsewhere may name one as it would for any other view.

import type { Query } from "../api/client";
import type { Severity } from "../api/types";
import { filtersFromSearch, rangeStartMs, rfc3339, searchFromFilters, NO_FILTERS, type TimeRange } from "./filters";
import { searchOf } from "./route";

export const SHOWN = ["alerts", "untold", "withheld"] as const;
/** Alerts; visits that nobody was told of; or each reason of a rule for not telling. */
export type Shown = (typeof SHOWN)[number];

const SEVERITIES: readonly Severity[] = ["critical", "alert", "notice"];

export interface OpenAlert {
  alertId: string;
  cameraId: string;
  /** captured_at, to the microsecond. */
  at: string;
}

export interface ReviewFilters {
  shown: Shown;
  /** Empty: every camera. */
  cameras: readonly string[];
  label: string | null;
  rule: string | null;
  severity: Severity | null;
  zone: string | null;
  /** null: whether or not somebody has answered. */
  answered: boolean | null;
  /** Percent. */
  minConfidence: number | null;
  range: TimeRange;
}

export interface ReviewAddress {
  filters: ReviewFilters;
  open: OpenAlert | null;
  /** Names of parameters that could not be read and were left out. */
  ignored: string[];
}

export const NO_REVIEW_FILTERS: ReviewFilters = {
  shown: "alerts",
  cameras: [],
  label: null,
  rule: null,
  severity: null,
  zone: null,
  answered: null,
  minConfidence: null,
  range: { kind: "any" },
};

export function addressFromParams(params: URLSearchParams): ReviewAddress {
  const { filters: common, ignored } = filtersFromSearch(params.toString());
  const text = (name: string) => params.get(name)?.trim().slice(0, 200) || null;
  const known = <T>(name: string, value: T | undefined): T | null => {
    if (value === undefined && params.get(name)) ignored.push(name);
    return value ?? null;
  };
  const alertId = params.get("alert");
  const [cameraId, at] = [text("camera"), text("at")];
  if (alertId && (!cameraId || !at)) ignored.push("alert");
  const open = alertId && cameraId && at ? { alertId, cameraId, at } : null;
  const cameras = [...(params.get("cameras")?.split(",") ?? []), ...(alertId ? [] : params.getAll("camera"))];
  const confidence = Number(params.get("min_confidence") ?? Number.NaN);
  return {
    open,
    ignored,
    filters: {
      shown: known("show", SHOWN.find((each) => each === params.get("show"))) ?? "alerts",
      cameras: [...new Set(cameras.map((each) => each.trim().slice(0, 200)).filter(Boolean))].slice(0, 50),
      label: common.label,
      rule: text("rule"),
      severity: known("severity", SEVERITIES.find((each) => each === params.get("severity"))),
      zone: text("zone"),
      answered: known("answered", { true: true, false: false }[params.get("answered") ?? ""]),
      minConfidence: known("min_confidence", confidence > 0 && confidence <= 100 ? confidence : undefined),
      range: common.range,
    },
  };
}

export function searchOfReview(filters: ReviewFilters, open: OpenAlert | null = null): string {
  // The range as every other view writes it.
  const range = new URLSearchParams(searchFromFilters({ ...NO_FILTERS, range: filters.range }));
  return searchOf("review", {
    show: filters.shown === "alerts" ? null : filters.shown,
    cameras: filters.cameras.join(","),
    label: filters.label,
    rule: filters.rule,
    severity: filters.severity,
    zone: filters.zone,
    answered: filters.answered === null ? null : String(filters.answered),
    min_confidence: filters.minConfidence === null ? null : String(filters.minConfidence),
    last: range.get("last"),
    from: range.get("from"),
    to: range.get("to"),
    alert: open?.alertId ?? null,
    camera: open?.cameraId ?? null,
    at: open?.at ?? null,
  });
}

/** Filters that a list has; the others do not apply to it. */
const OWN: Record<Shown, readonly (keyof ReviewFilters)[]> = {
  alerts: ["cameras", "label", "rule", "severity", "zone", "answered", "minConfidence", "range"],
  untold: ["cameras", "label", "zone", "minConfidence", "range"],
  withheld: ["cameras", "rule", "range"],
};

export function has(shown: Shown, filter: keyof ReviewFilters): boolean {
  return OWN[shown].includes(filter);
}

/** What the API is asked. nowMs: what "the last hour" is counted from. */
export function queryOf(filters: ReviewFilters, nowMs: number): Query {
  const { shown, range } = filters;
  const fromMs = rangeStartMs(range, nowMs);
  const toMs = range.kind === "custom" ? range.toMs : null;
  const own = <T>(name: keyof ReviewFilters, value: T): T | null => (has(shown, name) ? value : null);
  return {
    camera: filters.cameras,
    label: own("label", filters.label),
    rule: own("rule", filters.rule),
    severity: own("severity", filters.severity),
    zone: own("zone", filters.zone),
    answered: own("answered", filters.answered === null ? null : String(filters.answered)),
    min_confidence: own("minConfidence", filters.minConfidence),
    from: fromMs === null ? null : rfc3339(fromMs),
    to: toMs === null ? null : rfc3339(toMs),
  };
}

/** How many filters of this list are set. */
export function activeFilters(filters: ReviewFilters): number {
  return OWN[filters.shown].filter((name) => {
    const value = filters[name];
    if (name === "range") return filters.range.kind !== "any";
    return Array.isArray(value) ? value.length > 0 : value !== null;
  }).length;
}

export function sameReview(a: ReviewFilters, b: ReviewFilters): boolean {
  return searchOfReview(a) === searchOfReview(b);
}
