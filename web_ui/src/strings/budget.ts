// What a step of the budget is called, on the wall and where its cost is told. English.

import type { StepName } from "../api/types";

const ONE: Record<StepName, string> = {
  full: "everything is analysed",
  slower: "samples 4 times less often",
  "zones-only": "analyses motion in its zones only",
  "watched-only": "analyses only what a rule watches",
  "keep-only": "keeps pictures and analyses none",
};
const MANY: Record<StepName, string> = {
  full: "have everything analysed",
  slower: "sample 4 times less often",
  "zones-only": "have motion in their zones analysed only",
  "watched-only": "are analysed only where a rule watches",
  "keep-only": "keep pictures and have none analysed",
};

export const budgetWords = {
  label: "Budget",
  /** Of one camera, after its name. */
  step: ONE,
  until: (time: string) => `until ${time}`,
  tile: (step: string, until: string) => `Budget: ${step} ${until}`,
  banner: (who: string, step: string, until: string) => `Budget: ${who} ${step} ${until}. Every picture is kept.`,
  all: "all cameras",
  some: (n: number) => (n === 1 ? "1 camera" : `${n} cameras`),
  ofSeveral: (n: number, step: StepName) => (n === 1 ? ONE[step] : MANY[step]),
  more: "Show what it costs",
} as const;
