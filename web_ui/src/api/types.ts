// The shapes the API answers with. Field names are the wire's own.

/** Corners relative to the picture, each 0..1: x0, y0, x1, y1. */
export type BoxXyxyRel = readonly [number, number, number, number];

export interface Instance {
  box_xyxy_rel: BoxXyxyRel;
  /** Percent, 0..100. */
  confidence: number;
}

export interface Label {
  name: string;
  /** Percent, 0..100. */
  confidence: number;
  aliases: string[];
  parents: string[];
  categories: string[];
  watch_hit: boolean;
  instances: Instance[];
}

export type GateReason = "forced" | "first" | "motion" | "keepalive";

/** What vision made of a frame. Screened and budget ones were not analysed, inherited ones have an earlier frame's labels. */
export type Analysis = "analysed" | "inherited" | "screened" | "budget";

export interface Frame {
  frame_id: string;
  camera_id: string;
  camera_name: string;
  /** RFC 3339, UTC, microseconds. */
  captured_at: string;
  stored_at: string;
  width: number;
  height: number;
  gate_reason: GateReason;
  analysis: Analysis;
  /** Stops working at image_url_expires_at. */
  image_url: string;
  image_url_expires_at: string;
  watch_hit: boolean;
  labels: Label[];
}

export interface FramesPage {
  /** Newest first. */
  frames: Frame[];
  next_cursor: string | null;
}

export interface FramesAround {
  /** Captured earlier, nearest first. */
  before: Frame[];
  /** Captured later, nearest first. */
  after: Frame[];
}

export interface Zone {
  zone_id: string;
  /** Corners, x and y as shares of the picture. */
  points: [number, number][];
}

export interface Camera {
  camera_id: string;
  name: string;
  /** Cameras of one group see the same people. */
  group: string | null;
  zones: Zone[];
}

export type Severity = "critical" | "alert" | "notice";

export interface Rule {
  rule_id: string;
  severity: Severity;
  labels: string[];
  /** Camera ids; empty: every camera that has the zones. */
  cameras: string[];
  /** Zone ids; empty: anywhere. */
  zones: string[];
  /** Percent, 0..100. */
  min_confidence: number;
}

export interface Site {
  name: string;
  /** IANA name. */
  time_zone: string;
  cameras: Camera[];
  /** The words that any rule follows. */
  watch_labels: string[];
  /** Percent, 0..100. */
  watch_min_confidence: number;
  rules: Rule[];
}

export type Role = "viewer" | "operator" | "admin";

/** Whoever is signed in, as the API knows them. */
export interface Me {
  /** What others are shown of you. */
  name: string;
  role: Role;
  /** What was decided until then has been looked at; null: nothing was ever marked. */
  seen_until: string | null;
}

export type AlertState = "claimed" | "sent" | "failed" | "held" | "joined";
export type AnswerKind = "taken" | "snoozed" | "false-alarm" | "closed";

export interface Person {
  /** A contact's id, or `user:` and a name. */
  by: string;
  name: string | null;
  is_you: boolean;
}

export interface Answer extends Person {
  kind: AnswerKind;
  at: string;
}

export interface Note extends Person {
  text: string;
  at: string;
}

export interface Delivery {
  contact_id: string;
  state: "sent" | "rejected" | "held";
  at: string;
  reason: string | null;
}

export interface EscalationStep {
  contact_id: string;
  told: boolean;
  at: string | null;
}

export interface Joined {
  camera_id: string;
  camera_name: string;
  label: string;
  frame_id: string;
  captured_at: string;
  confidence: number;
}

/** When the frame that alerted passed each stage; null where nobody knows. */
export interface Trace {
  captured_at: string;
  arrived_at: string | null;
  received_at: string | null;
  labelled_at: string | null;
  stored_at: string | null;
  decided_at: string;
  published_at: string | null;
}

export interface Alert {
  alert_id: string;
  rule_id: string;
  severity: Severity;
  state: AlertState;
  camera_id: string;
  camera_name: string;
  label: string;
  confidence: number;
  captured_at: string;
  decided_at: string;
  visit_id: string;
  frame_id: string;
  box_xyxy_rel: BoxXyxyRel | null;
  /** null once the picture is no longer kept, and in the answer to an action. */
  image_url: string | null;
  image_url_expires_at: string | null;
  deliveries: Delivery[];
  escalation: EscalationStep[];
  answers: Answer[];
  notes: Note[];
  joined: Joined[];
  trace: Trace;
  /** When the next of `escalation` is told, unless somebody answers; null where nobody is. */
  escalates_at: string | null;
}

export interface AlertsPage {
  /** Newest capture first. */
  alerts: Alert[];
  next_cursor: string | null;
}

export interface Answered {
  /** The one of this kind that stands: of two people, the first's. */
  answer: Answer;
  snoozed_until: string | null;
  alert: Alert;
}

/** Why a rule gave no alert. */
export type Reason =
  | "below-confidence"
  | "too-small"
  | "outside-zone"
  | "stationary"
  | "other-labels"
  | "too-few-frames"
  | "off-schedule"
  | "quiet-hours"
  | "late"
  | "snoozed"
  | "cool-down"
  | "duplicate-incident"
  | "limit";

export interface Visit {
  visit_id: string;
  camera_id: string;
  camera_name: string;
  label: string;
  first_seen: string;
  last_seen: string;
  open: boolean;
  frames: number;
  best: {
    frame_id: string;
    captured_at: string;
    confidence: number;
    box_xyxy_rel: BoxXyxyRel | null;
    image_url: string | null;
    image_url_expires_at: string | null;
  };
  alerts: { rule_id: string; state: AlertState; alert_id: string; frame_id: string }[];
  withheld: { rule_id: string; reason: Reason; first_at: string; last_at: string; count: number; best_confidence: number }[];
}

export interface VisitsPage {
  /** The one that began last first. */
  visits: Visit[];
  next_cursor: string | null;
}

export interface Withheld {
  visit_id: string;
  rule_id: string;
  reason: Reason;
  camera_id: string;
  camera_name: string;
  label: string;
  visit_from: string;
  first_at: string;
  last_at: string;
  count: number;
  best_confidence: number;
  alerted: boolean;
}

export interface WithheldPage {
  withheld: Withheld[];
  next_cursor: string | null;
}

export type CameraState =
  | "online"
  | "stalled"
  | "reconnecting"
  | "auth-failed"
  | "not-found"
  | "disabled"
  | "ended"
  | "silent"
  | "unknown";

export interface CameraStatus {
  camera_id: string;
  name: string;
  group: string | null;
  state: CameraState;
  /** When that began, where it is a trouble. */
  since: string | null;
  why: string | null;
  heartbeat: {
    box: string;
    at: string;
    age_s: number;
    version: string;
    /** Frames since the box's service started. */
    counts: { read: number; sampled: number; sent: number; gated: Record<string, number>; dropped: number; failed: number };
    spool: { records: number; bytes: number; oldest_age_s: number | null };
    /** It samples so many times less often than its edge file says, for a budget; 1: as it says. */
    slowed_by: number;
  } | null;
  newest_frame: {
    frame_id: string;
    captured_at: string;
    stored_at: string;
    age_s: number;
    width: number;
    height: number;
    image_url: string;
    image_url_expires_at: string;
    analysis: Analysis;
    labels: Label[];
  } | null;
  /** What it has given up for the budget; null: nothing. */
  budget: CameraStep | null;
}

export interface CameraStatuses {
  /** Ages count from it. */
  at: string;
  cameras: CameraStatus[];
  troubles: { kind: "processing" | "vision" | "stream" | "box" | "camera"; since: string }[];
}

export interface Snooze extends Person {
  rule_id: string;
  scope: string;
  camera_ids: string[];
  until: string;
}

export interface Snoozes {
  snoozes: Snooze[];
}

/** How many texts may go out. */
export interface LimitsSettings {
  per_contact_and_hour: number;
  per_day: number;
  /** null: no budget. */
  monthly_budget_usd: number | null;
  /** What one text counts against the budget. */
  usd_per_text: number;
  critical_passes: boolean;
}

/** What an administrator has set for a while; null as the site file says. */
export interface LimitsOverride extends Person {
  at: string;
  until: string;
  per_contact_and_hour: number | null;
  per_day: number | null;
  monthly_budget_usd: number | null;
}

export interface LimitsUse {
  /** Dates of the site's calendar. */
  day: string;
  texts: number;
  texts_left: number;
  month: string;
  spent_usd: number;
  usd_left: number | null;
}

export interface LimitsSet {
  site_file: LimitsSettings;
  /** In force, everywhere within a minute of being set. */
  holds: LimitsSettings;
  override: LimitsOverride | null;
}

export interface Limits extends LimitsSet {
  used: LimitsUse;
}

/** What is left out is as the site file says; an `until` that is past ends what was set. */
export interface LimitsRequest {
  until: string;
  per_contact_and_hour?: number;
  per_day?: number;
  monthly_budget_usd?: number;
}

export interface Latency {
  from: string;
  to: string;
  alerts: number;
  cut_at: string | null;
  stages: { stage: string; count: number; p50_ms: number | null; p95_ms: number | null }[];
}

/** Counts of one camera in one step of time. */
export interface StatsBucket {
  /** When the step begins. */
  at: string;
  frames: number;
  /** Frames by why they were sent. */
  by_gate_reason: Record<string, number>;
  /** Frames by what vision made of them. */
  by_analysis: Partial<Record<Analysis, number>>;
  /** Of their pictures. */
  jpeg_bytes: number;
  /** Frames that showed each label; of each ten minutes the 50 most frequent. */
  by_label: Record<string, number>;
  /** The sum for all labels that by_label leaves out. */
  other_labels: number;
  watch_frames: number;
  /** Captured in the step, whatever became of them. */
  alerts: number;
  /** Visits that began in the step, that a rule held back and none alerted for. */
  withheld: number;
  /** What the box read, sampled and kept back by itself; null where it says nothing. */
  edge: { read: number; sampled: number; gated: number } | null;
}

export interface Stats {
  from: string;
  to: string;
  /** Width of a step. */
  step_s: number;
  cameras: { camera_id: string; buckets: StatsBucket[] }[];
  /** Until when everything is counted; later steps may still grow. null: one of the cameras was never counted. */
  counted_until: string | null;
}

/** What is given up for the budget, each on top of those before it. */
export type StepName = "full" | "slower" | "zones-only" | "watched-only" | "keep-only";

export type BudgetCause = "site-month" | "site-day" | "camera-month" | "camera-day" | "set";

export interface CameraStep {
  step: StepName;
  /** Whose budget; set: an administrator set it. */
  cause: BudgetCause;
  since: string;
  /** It ends by itself then. */
  until: string;
}

export type Saver = "gate" | "near-duplicates" | "screen" | "budget";

export interface Saved {
  by: Saver;
  frames: number;
  usd: number;
}

export interface BudgetAmounts {
  per_month_usd: number | null;
  per_day_usd: number | null;
}

export interface DayCost {
  /** A date of the site's calendar. */
  day: string;
  usd: number;
  by_service: Record<string, number>;
}

export interface SiteCosts {
  /** null for a month that is over. */
  today_usd: number | null;
  month_usd: number;
  /** At the month's end; null for one that is over, or with nothing to go by. */
  forecast_usd: number | null;
  /** The part of month_usd that is paid whether or not anything happens. */
  standing_usd: number;
  /** Dearest first. */
  by_service: { service: string; today_usd: number | null; month_usd: number }[];
  /** Oldest first. */
  by_day: DayCost[];
  budget: BudgetAmounts | null;
}

export interface CameraCosts {
  camera_id: string;
  name: string;
  today_usd: number | null;
  /** With its part of what is shared. */
  month_usd: number;
  /** The part that was used for this camera alone. */
  own_usd: number;
  forecast_usd: number | null;
  frames: number;
  /** Frames, each once. */
  images_analysed: number;
  /** Calls: a repeated one counts again. */
  images_billed: number;
  alerts: number;
  usd_per_alert: number | null;
  saved: Saved[];
  budget: BudgetAmounts | null;
  /** Gives up last, and has a reserve. */
  critical: boolean;
  step: CameraStep | null;
  /** null: there is nothing more to give up. */
  next_step: StepName | null;
}

export interface Costs {
  /** Its first day. */
  month: string;
  begins: string;
  ends: string;
  is_over: boolean;
  /** What was used before is not known; null: nothing of the month was metered. */
  metered_from: string | null;
  /** What was used later is not in yet. */
  known_until: string | null;
  /** What is left of the month is taken to go on as it went since then. */
  forecast_since: string | null;
  prices: { table: string; region: string; as_of: string };
  /** null for who may see some cameras only. */
  site: SiteCosts | null;
  cameras: CameraCosts[];
}

/** What an administrator has set. */
export interface BudgetPin extends Person {
  /** null: all that have none of their own. */
  camera: string | null;
  step: StepName;
  at: string;
  until: string;
}

/** What one decision did to some cameras at once. */
export interface BudgetChange {
  at: string;
  /** nears: nothing yet, but the budget is nearly used. */
  kind: "nears" | "gives-up" | "takes-back";
  cause: BudgetCause;
  cameras: string[];
  before: StepName;
  after: StepName;
  until: string;
  /** null, as for the others, where no budget was asked. */
  budget_usd: number | null;
  spent_usd: number | null;
  set_aside_usd: number | null;
}

export interface BudgetSteps {
  /** That for all first. */
  set: BudgetPin[];
  /** Newest first. */
  changes: BudgetChange[];
}

/** step null: what was set ends. */
export interface BudgetRequest {
  step: StepName | null;
  until?: string;
  camera?: string;
}

export interface ErrorBody {
  error: { code: string; message: string };
}

/** Amazon Cognito's pages and this page's public client there. Addresses are https, or http://127.0.0.1. */
export interface SignInConfig {
  issuer: string;
  client_id: string;
  authorize_url: string;
  token_url: string;
  logout_url: string;
}

/** /config.json: what differs between one deployment of these static files and another. */
export interface RuntimeConfig {
  api_base: string;
  /** Absent: the API is asked without a token. */
  sign_in?: SignInConfig | null;
  demo?: { sms_url: string } | null;
}

export interface SmsMessage {
  number: string;
  text: string;
  sent_at: string;
}
