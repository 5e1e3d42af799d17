import type { Frame } from "../api/types";

/** Frame number n, captured n seconds after noon: a higher number is newer. */
export function frameOf(n: number, change: Partial<Frame> = {}): Frame {
  const captured_at = new Date(Date.parse("2026-11-21T12:00:00Z") + n * 1000).toISOString();
  return {
    frame_id: `cam.b1.${String(n).padStart(8, "0")}`,
    camera_id: "cam",
    camera_name: "Cam",
    captured_at,
    stored_at: captured_at,
    width: 640,
    height: 360,
    gate_reason: "motion",
    analysis: "analysed",
    image_url: `https://pictures.example/${n}?old`,
    image_url_expires_at: captured_at,
    watch_hit: false,
    labels: [],
    ...change,
  };
}

/** Frames from newest to oldest, both ends included. */
export function framesOf(newest: number, oldest: number): Frame[] {
  return Array.from({ length: newest - oldest + 1 }, (_, index) => frameOf(newest - index));
}

export function numbers(frames: readonly Frame[]): number[] {
  return frames.map((frame) => Number(frame.frame_id.slice(-8)));
}
