import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { CameraStatus } from "../../api/types";
import { takePicture } from "./ahead";

export type NewestFrame = NonNullable<CameraStatus["newest_frame"]>;

export interface Shown {
  frame: NewestFrame;
  /** Decoded: putting it on the page shows it at once. */
  image: HTMLImageElement;
}

/** A picture that takes longer than this holds no other one up. */
const PATIENCE_MS = 20_000;

/**
 * The newest picture that could be decoded; until the next one is, it stays. One is fetched at a time, so that on a slow
 * line each arrives. A new address of the same picture changes nothing, unless it could not be loaded by the old one.
 *
 * wanted: false puts nothing on the line, for a tile that nobody sees.
 */
export function useSteadyPicture(newest: NewestFrame | null, wanted: boolean): { shown: Shown | null; failed: boolean } {
  const [shown, setShown] = useState<Shown | null>(null);
  const [failedId, setFailedId] = useState<string | null>(null);
  const now = useRef({ newest, wanted, shownId: "", busy: false, over: false });
  now.current.newest = newest;
  now.current.wanted = wanted;

  const load = async (): Promise<void> => {
    const { current } = now;
    const frame = current.newest;
    if (current.busy || current.over || !current.wanted || !frame || frame.frame_id === current.shownId) return;
    current.busy = true;
    const image = await decoded(frame.image_url);
    current.busy = false;
    if (current.over) return;
    if (image) {
      current.shownId = frame.frame_id;
      setShown({ frame, image });
      setFailedId(null);
    } else setFailedId(frame.frame_id);
    if (current.newest?.frame_id !== frame.frame_id) await load();
  };

  // With every answer: a picture that could not be had is tried again. Before painting, which a first one need not wait for.
  useLayoutEffect(() => void load(), [newest, wanted]);
  useEffect(() => () => void (now.current.over = true), []);
  return { shown, failed: newest !== null && failedId === newest.frame_id };
}

async function decoded(url: string): Promise<HTMLImageElement | null> {
  const image = takePicture(url);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => (timer = setTimeout(() => reject(new Error("late")), PATIENCE_MS)));
  try {
    await Promise.race([image.decode(), late]);
    return image;
  } catch {
    image.src = "";
    return null;
  } finally {
    clearTimeout(timer);
  }
}
