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
