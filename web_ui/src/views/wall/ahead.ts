import type { ApiClient } from "../../api/client";
import type { CameraStatuses } from "../../api/types";
import { wallAddress } from "../../state/wall";

/** Of any wall so many are in sight at once, whatever the screen. */
export const IN_SIGHT = 4;

/** What the wall will ask for first, asked for while the page still learns what it needs; what fails is asked for again. */
export function askAheadForWall(client: ApiClient, params: URLSearchParams): void {
  const { group } = wallAddress(params);
  const fetchPictures = (body: unknown) => {
    const cameras = (body as CameraStatuses).cameras.filter((camera) => group === null || camera.group === group);
    for (const { newest_frame: frame } of cameras.slice(0, IN_SIGHT)) {
      if (frame) fetched.set(frame.image_url, pictureAt(frame.image_url));
    }
  };
  client.askAhead("cameras").then(fetchPictures).catch(() => undefined);
}

const fetched = new Map<string, HTMLImageElement>();

function pictureAt(url: string): HTMLImageElement {
  const image = new Image();
  image.referrerPolicy = "no-referrer";
  // Beside its camera's name: nothing more can be said of it than the words there say.
  image.alt = "";
  image.src = url;
  return image;
}

/** One that was fetched ahead, once; else one that is fetched now. */
export function takePicture(url: string): HTMLImageElement {
  const image = fetched.get(url) ?? pictureAt(url);
  fetched.delete(url);
  return image;
}
