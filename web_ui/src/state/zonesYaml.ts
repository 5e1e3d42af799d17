// What is drawn as the files hold it, and back: zones of the site file, privacy masks of the edge file.

import { parseYaml, YamlTrouble, type Yaml } from "./plainYaml";
import { refusalOf, roundedPoint, type Point, type Refusal } from "./polygon";

export type Layer = "zones" | "masks";

export interface Shape {
  /** Of a zone, as rules name it; masks have none. */
  id: string;
  points: readonly Point[];
}

export const KEY_OF: Record<Layer, string> = { zones: "zones", masks: "privacy_masks" };

/** framewatch/domain/frames.py, CAMERA_ID_PATTERN: ids of zones follow the same. */
export const ID_PATTERN = /^[a-z0-9][a-z0-9-]{0,62}$/;

// What another reader of YAML than ours takes for a number, a date or a truth value.
const IS_NO_WORD = /^([0-9].*|true|false|yes|no|on|off|y|n|null)$/;

/** As it stands below `- id: <camera>` in the list of cameras, which is two blanks in. */
export function yamlOf(layer: Layer, shapes: readonly Shape[]): string {
  const key = `    ${KEY_OF[layer]}:`;
  if (shapes.length === 0) return `${key} []\n`;
  const lines = shapes.flatMap(({ id, points }) => {
    const written = `[${points.map(([x, y]) => `[${digits(x)}, ${digits(y)}]`).join(", ")}]`;
    return layer === "zones" ? [`      - id: ${idOf(id)}`, `        points: ${written}`] : [`      - ${written}`];
  });
  return `${[key, ...lines].join("\n")}\n`;
}

function digits(share: number): string {
  return Number.isInteger(share) ? share.toFixed(1) : String(share);
}

function idOf(id: string): string {
  return ID_PATTERN.test(id) && !IS_NO_WORD.test(id) ? id : JSON.stringify(id);
}

export type ReadTrouble =
  | { kind: "yaml"; line: number; what: YamlTrouble["kind"] }
  | { kind: "empty" }
  | { kind: "no-camera"; camera: string }
  | { kind: "no-key"; key: string }
  | { kind: "not-a-list"; key: string }
  | { kind: "other-layer"; key: string }
  | { kind: "unknown-key"; shape: number; key: string }
  | { kind: "no-id" | "no-points"; shape: number }
  | { kind: "bad-point"; shape: number; point: number }
  | { kind: "refused"; shape: number; refusal: Refusal }
  | { kind: "too-many" };

const MAX_SHAPES = 50;
const MAX_POINTS = 200;

class Stop extends Error {
  constructor(readonly trouble: ReadTrouble) {
    super(trouble.kind);
  }
}

/** From the camera's part of a file, the whole file, or the list alone. */
export function readYaml(layer: Layer, text: string, cameraId: string): { shapes: Shape[] } | { trouble: ReadTrouble } {
  try {
    const value = parseYaml(text);
    if (value === null) throw new Stop({ kind: "empty" });
    return { shapes: shapesOf(layer, listIn(layer, value, cameraId)) };
  } catch (error) {
    if (error instanceof Stop) return { trouble: error.trouble };
    if (error instanceof YamlTrouble) return { trouble: { kind: "yaml", line: error.line, what: error.kind } };
    throw error;
  }
}

function listIn(layer: Layer, value: Yaml, cameraId: string): Yaml[] {
  const key = KEY_OF[layer];
  if (Array.isArray(value)) {
    const cameras = value.filter((each): each is Map<string, Yaml> => each instanceof Map && !each.has("points"));
    if (cameras.length === 0 || cameras.length < value.length) return value;
    const camera = cameras.find((each) => each.get("id") === cameraId);
    if (!camera) throw new Stop({ kind: "no-camera", camera: cameraId });
    return listIn(layer, camera, cameraId);
  }
  if (!(value instanceof Map)) throw new Stop({ kind: "no-key", key });
  const cameras = value.get("cameras");
  if (Array.isArray(cameras)) return listIn(layer, cameras, cameraId);
  const list = value.get(key);
  if (list === undefined) {
    const other = KEY_OF[layer === "zones" ? "masks" : "zones"];
    throw new Stop(value.has(other) ? { kind: "other-layer", key: other } : { kind: "no-key", key });
  }
  if (!Array.isArray(list)) throw new Stop({ kind: "not-a-list", key });
  return list;
}

function shapesOf(layer: Layer, list: readonly Yaml[]): Shape[] {
  if (list.length > MAX_SHAPES) throw new Stop({ kind: "too-many" });
  return list.map((each, index) => {
    const shape = index + 1;
    if (layer === "masks") {
      if (each instanceof Map) throw new Stop({ kind: "other-layer", key: KEY_OF.zones });
      return { id: "", points: pointsOf(each, shape) };
    }
    if (Array.isArray(each)) throw new Stop({ kind: "other-layer", key: KEY_OF.masks });
    if (!(each instanceof Map)) throw new Stop({ kind: "no-id", shape });
    const unknown = [...each.keys()].find((key) => key !== "id" && key !== "points");
    if (unknown !== undefined) throw new Stop({ kind: "unknown-key", shape, key: unknown });
    const id = each.get("id");
    if (typeof id !== "string" || id === "") throw new Stop({ kind: "no-id", shape });
    return { id, points: pointsOf(each.get("points"), shape) };
  });
}

const NUMBER = /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i;

function pointsOf(value: Yaml | undefined, shape: number): Point[] {
  if (!Array.isArray(value)) throw new Stop({ kind: "no-points", shape });
  if (value.length > MAX_POINTS) throw new Stop({ kind: "too-many" });
  const points = value.map((pair, index): Point => {
    const isPair = Array.isArray(pair) && pair.length === 2 && pair.every((n) => typeof n === "string" && NUMBER.test(n));
    if (!isPair) throw new Stop({ kind: "bad-point", shape, point: index + 1 });
    return [Number(pair[0]), Number(pair[1])];
  });
  const refusal = refusalOf(points);
  // What is only unfinished is drawn, and told beside the picture.
  if (refusal?.kind === "outside") throw new Stop({ kind: "refused", shape, refusal });
  return points.map(roundedPoint);
}
