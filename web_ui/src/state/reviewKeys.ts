// What a key does in the review, in the order in which the help lists them.

export type Command = "next" | "previous" | "open" | "take" | "false-alarm" | "close" | "snooze" | "note" | "filter";

export const REVIEW_KEYS: readonly { press: string; command: Command; repeats?: true }[] = [
  { press: "j", command: "next", repeats: true },
  { press: "k", command: "previous", repeats: true },
  { press: "Enter", command: "open" },
  { press: "a", command: "take" },
  { press: "f", command: "false-alarm" },
  { press: "c", command: "close" },
  { press: "s", command: "snooze" },
  { press: "n", command: "note" },
  { press: "/", command: "filter" },
];
