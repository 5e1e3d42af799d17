import { describe, expect, it } from "vitest";
import siteExample from "../../../config/site.example.yaml?raw";
import edgeExample from "../../../config/edge.example.yaml?raw";
import { parseYaml } from "./plainYaml";
import { readYaml, yamlOf, type Shape } from "./zonesYaml";

const PORCH: Shape = { id: "porch", points: [[0.3, 0.4], [0.9, 0.4], [0.9, 1], [0.3, 1]] };
const TRIANGLE: Shape = { id: "no", points: [[0, 0], [0.3333, 0], [0.0001, 0.5]] };
const MASK: Shape = { id: "", points: [[0.7, 0], [1, 0], [1, 0.25], [0.7, 0.25]] };

const troubleOf = (text: string, layer: "zones" | "masks" = "zones", camera = "front-door") => {
  const read = readYaml(layer, text, camera);
  return "trouble" in read ? read.trouble : null;
};

describe("writing", () => {
  it("writes what stands below a camera of the site file", () => {
    expect(yamlOf("zones", [PORCH, TRIANGLE])).toBe(
      [
        "    zones:",
        "      - id: porch",
        "        points: [[0.3, 0.4], [0.9, 0.4], [0.9, 1.0], [0.3, 1.0]]",
        '      - id: "no"',
        "        points: [[0.0, 0.0], [0.3333, 0.0], [0.0001, 0.5]]",
        "",
      ].join("\n"),
    );
    expect(yamlOf("masks", [MASK])).toBe("    privacy_masks:\n      - [[0.7, 0.0], [1.0, 0.0], [1.0, 0.25], [0.7, 0.25]]\n");
    expect(yamlOf("masks", [])).toBe("    privacy_masks: []\n");
  });
});

describe("reading", () => {
  it("reads back what it wrote, also ids that no file takes", () => {
    const odd = [PORCH, TRIANGLE, { id: 'Hof "links": #1', points: [] }];
    expect(readYaml("zones", yamlOf("zones", odd), "any")).toEqual({ shapes: odd });
    expect(readYaml("masks", yamlOf("masks", [MASK, MASK]), "any")).toEqual({ shapes: [MASK, MASK] });
    expect(readYaml("zones", yamlOf("zones", []), "any")).toEqual({ shapes: [] });
  });

  it("finds the camera in the example files as they are", () => {
    expect(readYaml("zones", siteExample, "front-door")).toEqual({ shapes: [PORCH] });
    expect(readYaml("masks", edgeExample, "front-door")).toEqual({ shapes: [MASK] });
    expect(troubleOf(siteExample, "zones", "garage")).toEqual({ kind: "no-key", key: "zones" });
    expect(troubleOf(siteExample, "zones", "attic")).toEqual({ kind: "no-camera", camera: "attic" });
  });

  it("takes a list alone, points over several lines, maps in braces and comments", () => {
    const text = `
      - { id: 'porch', points: [[.3, 4e-1], [0.9, 0.4],   # the door
            [0.9, 1], [0.3, 1.0]] }
      - id: lawn  # grass
        points:
        - [0, 0]
        - - 1
          - 0
        - [1, 1]`;
    expect(readYaml("zones", text, "any")).toEqual({ shapes: [PORCH, { id: "lawn", points: [[0, 0], [1, 0], [1, 1]] }] });
  });

  it.each([
    ["", { kind: "empty" }],
    ["# nothing", { kind: "empty" }],
    ["just words", { kind: "no-key", key: "zones" }],
    ["zones: none", { kind: "not-a-list", key: "zones" }],
    ["privacy_masks: []", { kind: "other-layer", key: "privacy_masks" }],
    ["- [[0, 0], [1, 0], [1, 1]]", { kind: "other-layer", key: "privacy_masks" }],
    ["- points: [[0, 0]]", { kind: "no-id", shape: 1 }],
    ["zones:\n- id: a\n  points: [[0, 0], [x, 1]]", { kind: "bad-point", shape: 1, point: 2 }],
    ["zones:\n- id: a\n  points: [[0, 0], [640, 1]]", { kind: "refused", shape: 1, refusal: { kind: "outside", point: 2 } }],
    ["zones:\n- id: a\n  colour: red\n  points: []", { kind: "unknown-key", shape: 1, key: "colour" }],
    ["zones:\n- id: a\n  points: [[0, 0], [1, 1]", { kind: "yaml", line: 3, what: "unclosed" }],
    ["zones:\n- id: 'a\n", { kind: "yaml", line: 2, what: "unclosed" }],
    ["zones:\n- id: &a b\n  points: []", { kind: "yaml", line: 2, what: "unsupported" }],
    ["zones:\n- id: a\n    points: []", { kind: "yaml", line: 3, what: "indent" }],
    ["zones: []\nzones: []", { kind: "yaml", line: 2, what: "twice" }],
    ["[".repeat(40) + "]".repeat(40), { kind: "yaml", line: 1, what: "large" }],
  ])("says what is wrong with %j", (text, trouble) => {
    expect(troubleOf(text)).toEqual(trouble);
  });

  it("reads plain values that hold colons, dashes and numbers as text", () => {
    const read = parseYaml("hours:\n  - daily 22:00-06:00\nsource: rtsp://u@h:554/s\nphone: +34600\nempty:\nnote: a - b");
    expect(read).toEqual(
      new Map<string, unknown>([
        ["hours", ["daily 22:00-06:00"]],
        ["source", "rtsp://u@h:554/s"],
        ["phone", "+34600"],
        ["empty", ""],
        ["note", "a - b"],
      ]),
    );
  });
});
