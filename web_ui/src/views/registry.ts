import type { ComponentType } from "preact";
import type { View } from "../state/route";
import type { ViewProps } from "./view";
import { WallView } from "./wall/WallView";

/** Where each view is fetched from when it is first shown. The wall, which is opened first, comes with the page. */
export const LOADERS: Record<View, () => Promise<ComponentType<ViewProps>>> = {
  wall: async () => WallView,
  review: async () => (await import("./review/ReviewView")).ReviewView,
  timeline: async () => (await import("./timeline/TimelineView")).TimelineView,
  frames: async () => (await import("./frames/FramesView")).FramesView,
  frame: async () => (await import("./frame/FrameView")).FrameView,
  zones: async () => (await import("./zones/ZonesView")).ZonesView,
  charts: async () => (await import("./charts/ChartsView")).ChartsView,
  costs: async () => (await import("./costs/CostsView")).CostsView,
  snoozes: async () => (await import("./snoozes/SnoozesView")).SnoozesView,
};
