// Every word about money. English.

import type { BudgetCause, Saver, StepName } from "../api/types";
import type { CostCard } from "../state/costs";

const plural = (count: number, one: string, many: string) => (count === 1 ? one : many);
const whole = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 0 });
const cents = new Intl.NumberFormat("en-GB", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const fine = new Intl.NumberFormat("en-GB", { minimumFractionDigits: 4, maximumFractionDigits: 4 });
const number = (n: number) => whole.format(n);

/** Below a dollar to a hundredth of a cent: a small site's day is a few cents. most: of the figures it stands among. */
function amount(usd: number, most: number = usd): string {
  if (usd === 0) return "0.00";
  if (usd < 0.00005) return "under 0.0001";
  return most < 1 ? fine.format(usd) : cents.format(usd);
}

export const costs = {
  heading: "Costs",
  number,
  amount,
  usd: (usd: number) => `${amount(usd)} USD`,
  /** Of what somebody has set. */
  round: (usd: number) => cents.format(usd),
  loading: "Adding up…",
  onlyOperators: "Who has the role operator or admin sees what Framewatch costs.",
  missing: "This site's API does not tell costs yet. What was spent is on the AWS account's bill.",

  month: {
    region: "Which month",
    before: "The month before",
    after: "The month after",
    now: "This month",
    prices: (region: string, date: string) => `List prices of ${region}, as of ${date}; not a bill.`,
  },

  facts: {
    today: "Today",
    month: "This month so far",
    pastMonth: "The whole month",
    forecast: "At the month's end",
    alert: "For each alert",
    own: "Of the cameras you may see.",
    noForecast: "not yet known",
    noAlert: "no alert yet",
    alerts: (n: number) => `${number(n)} ${plural(n, "alert", "alerts")}`,
    forecastBy: (span: string) => `if it goes on as in the last ${span}`,
    ofBudget: (budget: string) => `of ${budget} USD`,
    meter: (share: string) => `${share} of the budget used`,
    overBudget: "over the budget",
    standing: (usd: string) => `${usd} of it is paid whether or not anything happens`,
    knownUntil: (time: string) => `Metered until ${time}; what was used later is not in yet.`,
    meteredFrom: (time: string) => `Metered from ${time} on; what was used before is not known here.`,
    nothingMetered: "Nothing of this month was metered.",
    demo: (span: string) =>
      `Demo: nothing is billed. These are this run's own calls, writes and bytes so far (at most ${span}), at the prices that AWS asks. It runs no faster than time does, and loops a busy clip: a real camera costs less.`,
  },

  budget: {
    title: "Budget",
    none: "No budget is set. The site file's budget section says how much a day or a month may cost; as it nears its end, cameras give up a little at a time, and no picture is lost.",
    calm: "Nothing is given up. As a budget nears its end, cameras first sample less often.",
    amounts: { day: (usd: string) => `${usd} USD a day`, month: (usd: string) => `${usd} USD a month` },
    site: (words: string) => `The site's: ${words}.`,
    and: " and ",
    critical: "Critical: gives up last",
    gives: (step: string, until: string) => `${step} ${until}`,
    since: (time: string, why: string) => `Since ${time}, ${why}.`,
    causes: {
      "site-month": "for the site's month",
      "site-day": "for the site's day",
      "camera-month": "for this camera's month",
      "camera-day": "for this camera's day",
      set: "as an administrator has set",
    } as Record<BudgetCause, string>,
    next: (step: string) => `Next it ${step}.`,
    last: "There is nothing more to give up.",
    pin: (step: string, who: string, until: string) => `${step}. Set by ${who} ${until}.`,
    pinned: (camera: string | null) => camera ?? "All cameras",
    you: "you",
    history: "What has changed",
    changes: {
      nears: (budget: string) => `${budget} is nearly used`,
      "gives-up": (who: string, step: string) => `${who}: ${step}`,
      "takes-back": (who: string, step: string) => `${who}, taken back: ${step}`,
    },
    budgets: {
      "site-month": "The site's budget of the month",
      "site-day": "The site's budget of the day",
      "camera-month": "A camera's budget of the month",
      "camera-day": "A camera's budget of the day",
      set: "What was set",
    } as Record<BudgetCause, string>,
    amountsThen: (spent: string, aside: string, budget: string) => `${spent} spent and ${aside} set aside of ${budget}`,
    lift: "Lift for 8 hours",
    liftOf: (camera: string) => `Lift for 8 hours: ${camera} has everything analysed`,
    end: "Back to what the budget says",
    endOf: (camera: string) => `Back to what the budget says: ${camera}`,
    change: "Set a step for a while",
    changeHint: "Whatever is set is paid for: the budget's own steps hold again by themselves afterwards.",
    camera: "Camera",
    allCameras: "All cameras",
    step: "What it gives up",
    steps: {
      full: "Nothing: everything is analysed",
      slower: "Samples 4 times less often",
      "zones-only": "And analyses only motion in its zones",
      "watched-only": "And only what a rule with somebody to tell watches",
      "keep-only": "Analyses nothing, keeps every picture",
    } as Record<StepName, string>,
    apply: "Set",
    applying: "Setting…",
    done: "It is set, and holds everywhere within two minutes.",
    ended: "The budget's own steps hold again within two minutes.",
    onlyAdmins: "Who has the role admin can lift a step, or set another, for a while.",
    failed: (why: string) => `Not set. ${why}`,
    forbidden: "Only an admin may change it. Ask whoever manages Framewatch here.",
    unreachable: "Framewatch cannot be reached.",
    failing: "Framewatch is not answering properly.",
    refused: (message: string) => `Framewatch refused it: ${message}`,
  },

  cards: {
    days: "Day by day",
    services: "By service",
    cameras: "By camera",
    saved: "What was saved",
  } as Record<CostCard, string>,
  byDay: "by service",
  others: "Others",
  wholeMonth: "The month so far",
  notOver: "not over yet",

  days: {
    empty: "Nothing was used yet.",
    summary: (days: number, mean: string) => `${number(days)} ${plural(days, "day", "days")}, ${mean} each on average.`,
    dearest: (day: string, usd: string) => `Dearest: ${day}, ${usd}.`,
    note: "A month's free units and cheaper tiers count in their order, so that equal days need not cost the same.",
  },
  services: {
    empty: "Nothing was used yet.",
    summary: (most: string, usd: string, share: string) => `Most goes to ${most}: ${usd}, ${share} of it all.`,
    service: "Service",
    today: "Today (USD)",
    month: "Month (USD)",
    figures: (month: string, today: string | null) => (today === null ? month : `${month} · today ${today}`),
  },
  cameras: {
    summary: (images: number, repeated: number) =>
      repeated > 0
        ? `${number(images)} pictures were analysed. At most ${number(repeated)} ${plural(repeated, "call", "calls")} more will be billed: failed ones, which are made again, and those of pictures that are not counted yet.`
        : `${number(images)} pictures were analysed, each billed once.`,
    empty: "No picture has been analysed yet.",
    counting: (calls: number) => `${number(calls)} ${plural(calls, "call", "calls")} may be billed; the pictures are still being counted.`,
    keys: ["Its own", "Its part of what all share, by its share of the frames"],
    figures: (month: string, perAlert: string | null) => (perAlert === null ? month : `${month} · ${perAlert} an alert`),
    columns: {
      camera: "Camera",
      today: "Today (USD)",
      month: "Month (USD)",
      own: "Its own (USD)",
      forecast: "Month's end (USD)",
      frames: "Frames",
      analysed: "Analysed",
      billed: "Billed calls",
      alerts: "Alerts",
      perAlert: "USD an alert",
    },
  },
  saved: {
    empty: "Nothing was kept back from analysis.",
    summary: (usd: string, frames: number) =>
      `${usd} not spent: ${number(frames)} ${plural(frames, "picture", "pictures")} needed no analysis.`,
    names: {
      gate: "The motion gate: nothing moved",
      "near-duplicates": "Nearly the same as the picture before",
      screen: "The model beside the camera saw nothing watched",
      budget: "The budget's steps",
    } as Record<Saver, string>,
    figures: (usd: string, frames: number) => `${usd} · ${number(frames)} ${plural(frames, "picture", "pictures")}`,
    note: "Each is counted at the price of one more analysis, those of the gate also at that of one more picture sent and stored. What a slower camera never sampled is in no figure.",
    by: "Kept back by",
    frames: "Pictures",
    usd: "USD",
  },
  table: { from: "Day", to: "To", fromUtc: "From (UTC)", total: "Total" },
} as const;
