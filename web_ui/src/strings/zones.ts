import type { YamlTrouble } from "../state/plainYaml";
import type { Refusal } from "../state/polygon";
import type { Warning } from "../state/zoneEdit";
import type { Layer, ReadTrouble } from "../state/zonesYaml";

const plural = (count: number, one: string, many: string) => (count === 1 ? one : many);

const percent = (share: number) => `${(share * 100).toFixed(1)} %`;

function refusal(found: Refusal): string {
  switch (found.kind) {
    case "outside":
      return `point ${found.point} lies outside of the picture: points are shares of its width and height, from 0 to 1`;
    case "few":
      return `it has ${found.have} ${plural(found.have, "point", "points")} and needs at least 3`;
    case "no-area":
      return "it encloses no area: its points lie on one line, or its sides cross";
  }
}

const yamlTrouble: Record<YamlTrouble["kind"], string> = {
  unreadable: "this is not written as YAML",
  unclosed: "a bracket or a quote that opens here is not closed",
  indent: "this stands too far in, or not far enough; blanks only, no tabs",
  twice: "this key stands here a second time",
  large: "this is too long or too deep",
  unsupported: "anchors, tags and texts over several lines are not read here",
};

export const zones = {
  label: "Zones and masks",
  heading: "Zones and masks",
  intro: "Nothing is sent from here: draw, then copy the YAML into the file.",
  noCameras: "This site has no cameras yet.",
  noCamerasText: "Add one to the site file. Then its zones can be drawn here.",
  unknownCamera: (id: string) => `You cannot see the camera ${id}. Choose another one.`,
  camera: "Camera",
  layer: "What to draw",
  layers: { zones: "Zones", masks: "Privacy masks" } as Record<Layer, string>,
  aboutLayer: {
    zones: "Parts of the picture that rules name. An object is in one when the middle of its box's lower edge is.",
    masks:
      "Black in everything that leaves the box: nothing sees what is behind. The masks that the edge file has now are not known here; paste them below to go on from them.",
  } as Record<Layer, string>,
  undo: "Undo",
  redo: "Redo",
  refresh: "Newest picture",
  refreshTitle: "Show the camera's newest picture, and count its newest boxes",
  loading: "Loading the newest picture…",
  noPicture: "No picture of this camera is kept yet. You can draw all the same.",
  pictureFailed: "The newest picture could not be loaded.",
  pictureOf: (time: string) => `Picture of ${time}`,
  alt: (camera: string, time: string) => `Newest frame of ${camera}, ${time}`,

  shapes: { zones: "Zones of this camera", masks: "Masks of this camera" } as Record<Layer, string>,
  add: { zones: "Add a zone", masks: "Add a mask" } as Record<Layer, string>,
  remove: (name: string) => `Delete ${name}`,
  maskName: (n: number) => `Mask ${n}`,
  unnamed: (n: number) => `Zone ${n}`,
  id: "Id, as rules name it",
  points: (n: number) => `${n} ${plural(n, "point", "points")}`,
  none: { zones: "No zones. Press the picture to begin one.", masks: "No masks. Press the picture to begin one." } as Record<Layer, string>,
  addPoint: "Add a point",
  removePoint: "Delete the point",
  help: "Press the picture to add a point, a side to put one in between; drag points. Keys: arrows move a point by 1 %, with Shift by 0.1 %; Enter puts one behind it, Delete takes it away.",
  point: (n: number, of: number, name: string, x: number, y: number) =>
    `Point ${n} of ${of} of ${name}: ${percent(x)} from the left, ${percent(y)} from the top`,
  insert: (n: number, next: number) => `Put a point between ${n} and ${next}`,
  pointAt: (n: number, x: number, y: number) => `Point ${n}: ${percent(x)}, ${percent(y)}`,

  boxes: "Recent boxes",
  boxesOf: "Label",
  anyLabel: "Any label",
  frames: "Frames",
  lastFrames: (n: number) => `Last ${n}`,
  inside: (inside: number, all: number) => `${inside} of ${all} ${plural(all, "box", "boxes")} inside`,
  noBoxes: "No boxes in these frames.",
  countingFailed: "Recent boxes could not be loaded.",
  counting: "Loading recent boxes…",
  drawFirst: "Choose or draw a polygon of three points or more to see which boxes are inside.",
  legend: "Filled: the object stands inside. Ring: beside it.",

  warnings: "Before you copy",
  allGood: "The file takes this as it is.",
  warning: (found: Warning, nameOf: (shape: number) => string): string => {
    switch (found.kind) {
      case "polygon":
        return `${nameOf(found.shape)}: ${refusal(found.refusal)}. The file would be refused.`;
      case "crosses":
        return `${nameOf(found.shape)}: its sides ${found.sides[0]} and ${found.sides[1]} cross, so that parts of it are outside. Reorder the points.`;
      case "bad-id":
        return `${nameOf(found.shape)}: "${found.id}" cannot be an id. Use lower-case letters, digits and hyphens, at most 63, a letter or digit first. The file would be refused.`;
      case "id-twice":
        return `${nameOf(found.shape)}: the id "${found.id}" stands twice. The file would be refused.`;
      case "rule-without-zone":
        return `The rule "${found.rule}" names the zone "${found.zone}", which no camera of it would have any longer. The file would be refused; change the rule as well.`;
    }
  },

  yaml: "YAML",
  where: {
    zones: (camera: string) =>
      `Goes into the site file (config/site.yaml), under "- id: ${camera}" in cameras, in place of its zones. Then run pynt configure.`,
    masks: (camera: string) =>
      `Goes into the edge file of the box that reads this camera (config/edge.yaml), under "- id: ${camera}" in cameras, in place of its privacy_masks.`,
  } as Record<Layer, (camera: string) => string>,
  yamlField: { zones: "YAML of the zones", masks: "YAML of the masks" } as Record<Layer, string>,
  paste: "Paste here to draw what a file has: this part of it, or all of it.",
  copy: "Copy the YAML",
  copied: "Copied",
  copiedRefused: (n: number) => `Copied, and the file would be refused: see the ${plural(n, "warning", `${n} warnings`)}`,
  copyField: "YAML to copy",
  use: "Draw this",
  discard: "Back to what is drawn",
  readable: (n: number) => `${n} ${plural(n, "polygon", "polygons")} to draw.`,
  trouble: (found: ReadTrouble): string => {
    switch (found.kind) {
      case "yaml":
        return `Line ${found.line}: ${yamlTrouble[found.what]}.`;
      case "empty":
        return "There is nothing to draw.";
      case "no-camera":
        return `This has no camera with the id ${found.camera}.`;
      case "no-key":
        return `This has no ${found.key} for the camera.`;
      case "not-a-list":
        return `${found.key} must be a list.`;
      case "other-layer":
        return `These are ${found.key}: change what to draw above, then paste again.`;
      case "unknown-key":
        return `Polygon ${found.shape}: the file knows no "${found.key}" here.`;
      case "no-id":
        return `Polygon ${found.shape} has no id.`;
      case "no-points":
        return `Polygon ${found.shape} has no list of points.`;
      case "bad-point":
        return `Polygon ${found.shape}: point ${found.point} is not two numbers, such as [0.25, 0.5].`;
      case "refused":
        return `Polygon ${found.shape}: ${refusal(found.refusal)}.`;
      case "too-many":
        return "These are more polygons or points than can be drawn here.";
    }
  },
} as const;
