import type { CameraState, CameraStatuses, Severity } from "../api/types";
import type { Mood } from "../state/wall";

const cameras = (n: number) => (n === 1 ? "1 camera" : `${n} cameras`);

export const wallStrings = {
  heading: "Live pictures",
  asking: "Asking for the newest pictures…",
  noCameras: "This site has no cameras yet. They are named in its site file.",
  noSuchGroup: (group: string) => `No camera is in the group ${group}.`,
  showAll: "Show all cameras",

  toolbar: "Live wall",
  group: "Group",
  allGroups: (n: number) => `All (${cameras(n)})`,
  oneGroup: (group: string, n: number) => `${group} (${cameras(n)})`,
  boxes: "Boxes",
  screen: "Full screen",
  leaveScreen: "Leave full screen",

  moods: { live: "live", stale: "stale", offline: "offline", never: "without a picture yet", off: "switched off" } as Record<Mood, string>,
  count: (n: number, mood: string) => `${n} ${mood}`,
  total: cameras,

  stale: (age: string) => `Stale: no new picture for ${age}`,
  states: {
    stalled: "Its picture has stopped",
    reconnecting: "Connection lost, its box keeps trying",
    "auth-failed": "It refuses the password that its box has",
    "not-found": "It has no video where its box looks for it",
    silent: "Nothing is heard from it",
    disabled: "Switched off in its box's settings",
    ended: "Its recording has ended",
    online: "No picture has come yet",
    unknown: "Never sent a picture",
  } as Record<CameraState, string>,
  since: (words: string, time: string, ago: string) => `${words}, since ${time} (${ago})`,
  never: "Pictures appear here by themselves once its box sends some.",
  ahead: (age: string) => `Dated ${age}: check its clock`,
  loading: "The picture is on its way…",
  failed: "The newest picture could not be loaded. It is tried again.",
  open: "Open the picture",

  troubles: {
    processing: "Nothing is processed",
    vision: "Pictures cannot be analysed: nobody is recognised",
    stream: "Frames arrive late",
    box: "A box is silent",
    camera: "A camera is silent",
  } as Record<CameraStatuses["troubles"][number]["kind"], string>,
  troubleSince: (words: string, time: string, ago: string) => `${words}, since ${time} (${ago}).`,

  alerts: {
    label: "Alerts that nobody has answered",
    none: "No alert waits for an answer.",
    asking: "Asking for alerts…",
    words: (label: string, camera: string, time: string) => `${label} at ${camera}, ${time}`,
    nobody: "nobody has it yet",
    more: (n: number, cut: boolean) => `${n}${cut ? "+" : ""} more`,
    severity: { critical: "Critical: ", alert: "", notice: "" } as Record<Severity, string>,
  },

  keys: {
    heading: "Live wall",
    boxes: "Boxes on or off",
    screen: "Full screen on or off",
    leave: "Leave full screen",
    arrows: "From camera to camera, once one has the focus",
    open: "Open the camera's picture",
  },
} as const;
