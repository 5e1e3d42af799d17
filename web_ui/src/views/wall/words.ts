import type { CameraStatus } from "../../api/types";
import { tileBudget } from "../../state/budget";
import { calmAgeMs, moodOf, oldSinceMs, type Mood } from "../../state/wall";
import { wallStrings } from "../../strings/wall";
import { ageWords, durationWords, FUTURE_TOLERANCE_MS } from "../../time/words";
import { siteTimeAt } from "../../time/zone";
import type { NewestFrame } from "./useSteadyPicture";

export interface TileWords {
  mood: Mood;
  /** Of the picture that is shown; "" without one. */
  time: string;
  age: string;
  /** What is not as it should be; "" where all is well. */
  trouble: string;
  why: string;
  /** What it gives up for the budget; "" for nothing. */
  budget: string;
}

/** "21:04", with the day where it is another one than today's. */
export function shortTime(utcMs: number, nowMs: number, zone: string): string {
  const at = siteTimeAt(utcMs, zone);
  const sameDay = at.date === siteTimeAt(nowMs, zone).date;
  return `${sameDay ? "" : `${at.date}, `}${at.timeToMinute} ${at.zone}`;
}

/** picture: the one that is shown, or the newest while none is yet. */
export function tileWords(camera: CameraStatus, picture: NewestFrame | null, nowMs: number, zone: string): TileWords {
  const mood = moodOf(camera.state, picture, nowMs);
  const capturedMs = picture ? Date.parse(picture.captured_at) : null;
  const at = capturedMs === null ? null : siteTimeAt(capturedMs, zone);
  return {
    mood,
    time: at ? at.time : "",
    age: capturedMs === null ? "" : ageWords(calmAgeMs(nowMs - capturedMs)),
    trouble: troubleOf(camera, mood, picture, nowMs, zone),
    why: camera.why ?? (mood === "never" ? wallStrings.never : ""),
    budget: tileBudget(camera.budget, nowMs, zone),
  };
}

function troubleOf(camera: CameraStatus, mood: Mood, picture: NewestFrame | null, nowMs: number, zone: string): string {
  if (mood === "live") {
    const aheadMs = picture ? nowMs - Date.parse(picture.captured_at) : 0;
    return aheadMs < -FUTURE_TOLERANCE_MS ? wallStrings.ahead(ageWords(aheadMs)) : "";
  }
  if (mood === "stale" && picture) return wallStrings.stale(durationWords(nowMs - oldSinceMs(picture)));
  const words = wallStrings.states[camera.state] ?? camera.state;
  if (camera.since === null) return words;
  const sinceMs = Date.parse(camera.since);
  return wallStrings.since(words, shortTime(sinceMs, nowMs, zone), ageWords(nowMs - sinceMs));
}
