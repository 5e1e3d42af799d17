// What the budget makes cameras give up now, told so that a wall can be read at a glance.

import type { CameraStatus, CameraStep, StepName } from "../api/types";
import { budgetWords as words } from "../strings/budget";
import { siteTimeAt, wallTimeAt } from "../time/zone";

export const STEPS: readonly StepName[] = ["full", "slower", "zones-only", "watched-only", "keep-only"];

/** Whether anything is given up at this instant: a step ends by itself, whoever has not heard of it. */
export function isHeld(step: CameraStep | null | undefined, nowMs: number): step is CameraStep {
  return step != null && step.step !== "full" && nowMs < Date.parse(step.until);
}

/** "until 1 Dec", "until 18:00 CET", "until 22 Nov, 18:00 CET": a midnight of the site is its day. */
export function untilWords(until: string, nowMs: number, zone: string): string {
  const untilMs = Date.parse(until);
  const at = siteTimeAt(untilMs, zone);
  const { hour, minute } = wallTimeAt(untilMs, zone);
  const day = at.date.replace(/ \d+$/, "");
  if (hour === 0 && minute === 0) return words.until(day);
  const time = `${at.timeToMinute} ${at.zone}`;
  return words.until(at.date === siteTimeAt(nowMs, zone).date ? time : `${day}, ${time}`);
}

/** What a camera's tile says; "" while it gives nothing up. */
export function tileBudget(step: CameraStep | null | undefined, nowMs: number, zone: string): string {
  return isHeld(step, nowMs) ? words.tile(words.step[step.step], untilWords(step.until, nowMs, zone)) : "";
}

/** A sentence for each step and end that cameras share, what gives up most first. */
export function bannerLines(cameras: readonly Pick<CameraStatus, "budget">[], nowMs: number, zone: string): string[] {
  const groups = new Map<string, { step: CameraStep; cameras: number }>();
  for (const { budget } of cameras) {
    if (!isHeld(budget, nowMs)) continue;
    const key = `${budget.step} ${budget.until}`;
    groups.set(key, { step: budget, cameras: (groups.get(key)?.cameras ?? 0) + 1 });
  }
  return [...groups.values()]
    .sort((a, b) => STEPS.indexOf(b.step.step) - STEPS.indexOf(a.step.step) || b.cameras - a.cameras)
    .map(({ step, cameras: count }) => {
      const all = count === cameras.length && count > 1;
      return words.banner(all ? words.all : words.some(count), words.ofSeveral(count, step.step), untilWords(step.until, nowMs, zone));
    });
}
