// What an administrator types about limits, and what of it is asked of the API.

import type { ApiProblem } from "../api/client";
import type { LimitsRequest, LimitsSettings } from "../api/types";
import { limits as words } from "../strings/limits";
import { rfc3339 } from "./filters";

/** As the API refuses what is above. */
export const MAX_PER_HOUR = 200;
export const MAX_PER_DAY = 10_000;
export const MAX_USD = 100_000;
const HOUR_MS = 3_600_000;

/** As typed; an empty field leaves the site file's number. */
export interface LimitsForm {
  perDay: string;
  perHour: string;
  usd: string;
  hours: number;
}

export const EMPTY_FORM: LimitsForm = { perDay: "", perHour: "", usd: "", hours: 8 };

/** The request, or why there is none. */
export function requestOf(form: LimitsForm, nowMs: number): { request: LimitsRequest } | { wrong: string } {
  const request: LimitsRequest = { until: rfc3339(nowMs + form.hours * HOUR_MS) };
  const [perDay, perHour, usd] = [form.perDay.trim(), form.perHour.trim(), form.usd.trim().replace(",", ".")];
  if (!perDay && !perHour && !usd) return { wrong: words.nothing };
  if (perDay) {
    if (!isWhole(perDay, MAX_PER_DAY)) return { wrong: words.badWhole(words.perDay, MAX_PER_DAY) };
    request.per_day = Number(perDay);
  }
  if (perHour) {
    if (!isWhole(perHour, MAX_PER_HOUR)) return { wrong: words.badWhole(words.perHour, MAX_PER_HOUR) };
    request.per_contact_and_hour = Number(perHour);
  }
  if (usd) {
    if (!/^\d+(\.\d+)?$/.test(usd) || Number(usd) > MAX_USD) return { wrong: words.badUsd(MAX_USD) };
    request.monthly_budget_usd = Number(usd);
  }
  return { request };
}

function isWhole(text: string, most: number): boolean {
  return /^\d{1,6}$/.test(text) && Number(text) <= most;
}

export function usdWords(usd: number): string {
  return usd.toFixed(2);
}

export function budgetWords(settings: LimitsSettings): string {
  return settings.monthly_budget_usd === null ? words.noBudget : words.unchanged(usdWords(settings.monthly_budget_usd));
}

/** Why limits were not set. */
export function whyNotSet(problem: ApiProblem): string {
  if (problem.kind === "unreachable") return words.unreachable;
  if (problem.kind === "failing") return words.failing;
  return problem.status === 403 ? words.forbidden : words.refused(problem.message);
}
