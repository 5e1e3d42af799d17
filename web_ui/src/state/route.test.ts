import { describe, expect, it } from "vitest";
import { routeFromSearch, searchOf, VIEWS } from "./route";

describe("the address", () => {
  it("is bare for the wall", () => {
    expect(routeFromSearch("").view).toBe("wall");
    expect(searchOf("wall")).toBe("");
  });

  it("of a bookmark that knew no views is the list of frames", () => {
    expect(routeFromSearch("?camera=gate").view).toBe("frames");
  });

  it("that names a view nobody knows shows the wall", () => {
    expect(routeFromSearch("?view=../admin").view).toBe("wall");
  });

  it("holds the view and what is the view's own, and reads back the same", () => {
    for (const view of VIEWS) {
      const read = routeFromSearch(searchOf(view, { camera: "front door & <b>", at: null, empty: "" }));
      expect(read.view).toBe(view);
      expect([...read.params]).toEqual([["camera", "front door & <b>"]]);
    }
  });
});
