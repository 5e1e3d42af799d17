// Every word of the charts. English.

import type { ChartName, Span } from "../state/charts";

const plural = (count: number, one: string, many: string) => (count === 1 ? one : many);
const whole = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 0 });
const number = (n: number) => whole.format(n);

const SPAN_WORDS: Record<Span, string> = { "24h": "the last 24 hours", "7d": "the last 7 days", "30d": "the last 30 days" };

export const charts = {
  heading: "Charts",
  number,

  controls: {
    region: "What the charts show",
    span: "Time",
    spans: { "24h": "24 hours", "7d": "7 days", "30d": "30 days" } as Record<Span, string>,
    spanTitles: { "24h": "The last 24 hours, by hour", "7d": "The last 7 days, by 3 hours", "30d": "The last 30 days, by day" } as Record<
      Span,
      string
    >,
    camera: "Camera",
    allCameras: "All cameras",
    unknownCamera: (id: string) => `${id} (not in the site file)`,
    zone: (zone: string, letters: readonly string[]) => `Site time, ${zone} (${letters.join(", then ")})`,
  },

  titles: {
    detections: "Detections by label",
    alerts: "Alerts sent and withheld",
    withheld: "Why alerts were withheld",
    frames: "Frames sent and gated",
    latency: "How long an alert takes",
  } as Record<ChartName, string>,
  by: { 1: "by hour", 3: "by 3 hours", 24: "by day" } as Record<number, string>,

  card: {
    asTable: "As table",
    asChart: "As chart",
    asTableOf: (title: string) => `${title}: show as table`,
    asChartOf: (title: string) => `${title}: show as chart`,
    download: "CSV",
    downloadOf: (title: string) => `${title}: download as CSV`,
    table: (title: string) => `${title}, table`,
    loading: "Loading…",
    failed: "This could not be loaded.",
    refused: (message: string) => `Framewatch refused the request: ${message}`,
    tryAgain: "Try again",
    noStats: "This site does not count its frames yet, so there is nothing to draw.",
    noRoute: "This site's API does not answer this yet.",
  },

  stack: {
    slider: (title: string) => `${title}: figures of one bar; the arrow keys go from bar to bar`,
    wholeSpan: (span: Span) => SPAN_WORDS[span].replace("the", "The"),
    clear: "Whole time",
    frames: "Show its frames",
    total: "Total",
    from: "From",
    to: "To",
    fromUtc: "From (UTC)",
    value: (bar: string, total: string, parts: readonly string[]) => `${bar}: ${total} in all. ${parts.join(", ")}`,
    part: (name: string, figure: string) => `${name} ${figure}`,
    unknownPart: (name: string) => `${name} unknown`,
    unknown: "not said",
    counting: "still being counted",
    countedUntil: (time: string) => `Counted until ${time}; of what is newer not everything is in yet.`,
    neverCounted: "Of at least one camera nothing has been counted yet.",
  },

  detections: {
    others: "Others",
    empty: (span: Span) => `Nothing was recognised in ${SPAN_WORDS[span]}.`,
    summary: (total: number, span: Span, most: string, count: number) =>
      `${number(total)} ${plural(total, "detection", "detections")} in ${SPAN_WORDS[span]}, most of them ${most} (${number(count)}).`,
    busiest: (bar: string, count: number) => `Busiest: ${bar}, with ${number(count)}.`,
    note: "A frame counts once for each label that it shows.",
  },

  alerts: {
    names: { sent: "Sent", claimed: "Not yet sent", held: "Held by a limit", failed: "Could not be sent", withheld: "Withheld" } as Record<string, string>,
    empty: (span: Span) => `There was no alert in ${SPAN_WORDS[span]}, nor was one withheld.`,
    summary: (total: number, span: Span, sent: number, withheld: number) =>
      `${number(total)} ${plural(total, "alert", "alerts")} in ${SPAN_WORDS[span]}, ${number(sent)} of them sent. ${number(withheld)} withheld.`,
    note: "Withheld counts each rule that gave no alert for a visit, where the visit began.",
    cut: (count: number, time: string) => `Only the newest ${number(count)} are counted; there are older ones, before ${time}.`,
  },

  withheld: {
    empty: (span: Span) => `No alert was withheld in ${SPAN_WORDS[span]}.`,
    summary: (most: string, span: Span, visits: number) =>
      `Most often in ${SPAN_WORDS[span]}: ${most} (${number(visits)} ${plural(visits, "visit", "visits")}).`,
    note: "A visit counts once for each rule and reason; where the rule did alert by another frame it does not count.",
    cut: (count: number, time: string) => `Only the newest ${number(count)} rows are counted; there are older ones, before ${time}.`,
    visits: "Visits",
    frames: "Frames",
    reason: "Reason",
    figures: (visits: number, frames: number) =>
      `${number(visits)} ${plural(visits, "visit", "visits")}, ${number(frames)} ${plural(frames, "frame", "frames")}`,
    reasons: {
      "below-confidence": "The model was not sure enough",
      "too-small": "Too small in the picture",
      "outside-zone": "Outside the rule's zones",
      stationary: "It did not move",
      "other-labels": "Another label was missing, or was there",
      "too-few-frames": "Seen in too few frames",
      "off-schedule": "Outside the rule's hours",
      "quiet-hours": "Quiet hours",
      late: "The frame came too late",
      snoozed: "The rule was snoozed",
      "cool-down": "Too soon after the alert before it",
      "duplicate-incident": "The same visit, already told from another camera",
      limit: "The limit of texts was reached",
    } as Record<string, string>,
  },

  frames: {
    names: { sent: "Sent", gated: "Kept back beside the camera" } as Record<string, string>,
    empty: (span: Span) => `No frame was sent in ${SPAN_WORDS[span]}.`,
    summary: (sent: number, span: Span) => `${number(sent)} ${plural(sent, "frame", "frames")} sent in ${SPAN_WORDS[span]}`,
    gated: (gated: number, share: string) => `, ${number(gated)} kept back where nothing moved (${share} of those looked at).`,
    gatedPartly: (gated: number) => `, at least ${number(gated)} kept back where nothing moved.`,
    gatedUnknown: ". The box does not say how many it kept back.",
    unknownLegend: "The box does not say what it kept back",
    silent: (cameras: number) => `The ${plural(cameras, "box of 1 camera does", `boxes of ${cameras} cameras do`)} not say what was kept back.`,
    silentColumn: "Cameras whose box does not say",
  },

  latency: {
    empty: (span: Span) => `No alert was sent in ${SPAN_WORDS[span]}, so there is nothing to time.`,
    summary: (alerts: number, p50: string, p95: string) =>
      `Of ${number(alerts)} ${plural(alerts, "alert", "alerts")}, half were out within ${p50} of the picture, 95 % within ${p95}.`,
    untimed: (alerts: number) => `${number(alerts)} ${plural(alerts, "alert has", "alerts have")} no whole trace.`,
    note: "Each stage is ranked by itself, so stages do not add up to the whole.",
    cut: (time: string) => `Only the newest are timed; there are older ones, before ${time}.`,
    stage: "Stage",
    count: "Alerts",
    p50: "Half within",
    p95: "95 % within",
    p50Column: "p50 (ms)",
    p95Column: "p95 (ms)",
    figures: (p50: string, p95: string) => `${p50} · ${p95}`,
    none: "not measured",
    stages: {
      "captured-arrived": "From the camera to the cloud",
      "arrived-received": "Waiting to be looked at",
      "received-labelled": "Looking at the picture",
      "labelled-stored": "Storing it",
      "stored-decided": "Deciding",
      "decided-published": "Sending the text",
      "captured-published": "The whole way",
    } as Record<string, string>,
    ms: (ms: number) => `${number(ms)} ms`,
    seconds: (s: number) => `${s.toFixed(1)} s`,
  },

  cost: {
    title: "Cost",
    elsewhere: "What all this costs, by day, service and camera, has a view of its own.",
    show: "Show the costs",
  },
} as const;
