// Which rules are snoozed where, and the words for it.

import type { ApiProblem } from "../api/client";
import type { Camera, Snooze } from "../api/types";
import { snoozes as words } from "../strings/snoozes";
import { durationWords } from "../time/words";

export function keyOf({ rule_id, scope }: Snooze): string {
  return `${rule_id} ${scope}`;
}

/** Those that hold, without those that somebody here has ended since; the one that ends first first. */
export function holding(all: readonly Snooze[], ended: ReadonlySet<string>): Snooze[] {
  return all.filter((snooze) => !ended.has(`${keyOf(snooze)} ${snooze.until}`)).sort((a, b) => Date.parse(a.until) - Date.parse(b.until));
}

export function cameraWords({ camera_ids }: Snooze, cameras: readonly Camera[]): string {
  const names = camera_ids.map((id) => cameras.find(({ camera_id }) => camera_id === id)?.name ?? id);
  return names.join(", ") || words.noCamera;
}

export function leftWords({ until }: Snooze, nowMs: number): string {
  const leftMs = Date.parse(until) - nowMs;
  return leftMs > 0 ? words.left(durationWords(leftMs)) : words.over;
}

/** Why a snooze was not ended. */
export function whyNotEnded(problem: ApiProblem): string {
  if (problem.kind === "unreachable") return words.unreachable;
  if (problem.kind === "failing") return words.failing;
  if (problem.status === 403) return words.forbidden;
  return problem.status === 404 ? words.gone : words.refused(problem.message);
}
