import { ServerClock } from "../time/serverClock";
import type {
  Alert,
  AlertsPage,
  Answered,
  AnswerKind,
  BudgetRequest,
  BudgetSteps,
  CameraStatuses,
  Costs,
  ErrorBody,
  Frame,
  FramesAround,
  FramesPage,
  Latency,
  Limits,
  LimitsRequest,
  LimitsSet,
  Me,
  RuntimeConfig,
  Site,
  Snooze,
  Snoozes,
  Stats,
  VisitsPage,
  WithheldPage,
} from "./types";

export const REQUEST_TIMEOUT_MS = 10_000;

export type ProblemKind =
  /** No answer: no network, refused, or too late. */
  | "unreachable"
  /** An answer that says "later", or one that is not the API's. */
  | "failing"
  /** The API understood and said no; the same request will be refused again. */
  | "refused";

export class ApiProblem extends Error {
  constructor(
    readonly kind: ProblemKind,
    message: string,
    readonly status: number | null = null,
    readonly retryAfterMs: number | null = null,
    /** The API's own word for it. */
    readonly code: string | null = null,
  ) {
    super(message);
    this.name = "ApiProblem";
  }
}

/** True for a request that its caller gave up on: not a failure. */
export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

export function gaveUp(): DOMException {
  return new DOMException("Aborted", "AbortError");
}

export interface FrameQuery {
  camera?: string | null;
  label?: string | null;
  /** RFC 3339, inclusive. */
  from?: string | null;
  /** RFC 3339, exclusive. */
  to?: string | null;
  watchOnly?: boolean;
  limit?: number;
  cursor?: string | null;
}

export function frameQueryString(query: FrameQuery): string {
  const params = new URLSearchParams();
  if (query.camera) params.set("camera", query.camera);
  if (query.label) params.set("label", query.label);
  if (query.from) params.set("from", query.from);
  if (query.to) params.set("to", query.to);
  if (query.watchOnly) params.set("watch_only", "true");
  if (query.limit) params.set("limit", String(query.limit));
  if (query.cursor) params.set("cursor", query.cursor);
  return params.toString();
}

/** The smallest window that holds exactly this capture time at millisecond grain: [captured_at, next ms). */
export function windowAround(capturedAt: string): { from: string; to: string } {
  return { from: capturedAt, to: new Date(Date.parse(capturedAt) + 1).toISOString() };
}

/** Whoever the API is asked for. What it raises when the person has to sign in again is an AbortError: the page is leaving. */
export interface Authority {
  /** An access token that works now, as far as is known. Raises ApiProblem. */
  token(): Promise<string>;
  /** Another one than this, which the API refused. Raises ApiProblem. */
  tokenInsteadOf(refused: string): Promise<string>;
  /** The API took the token. */
  onAccepted(): void;
  /** The API refused a token that was just renewed. */
  onRefused(): void;
  /** The API knows who it is, and they may not see this site. */
  onForbidden(): void;
}

export class ApiClient {
  private readonly ahead = new Map<string, Promise<unknown>>();

  constructor(
    private readonly base: string,
    private readonly fetchFn: typeof fetch = (input, init) => fetch(input, init),
    private readonly clock: ServerClock = new ServerClock(),
    private readonly authority: Authority | null = null,
  ) {}

  /** Now by the server's clock. */
  serverNow(): number {
    return this.clock.now();
  }

  async site(signal?: AbortSignal): Promise<Site> {
    const body = await this.get(`${this.base}/site`, signal);
    if (!isRecord(body) || !Array.isArray(body.cameras) || typeof body.time_zone !== "string") throw notTheApi();
    return body as unknown as Site;
  }

  async frames(query: FrameQuery, signal?: AbortSignal): Promise<FramesPage> {
    const queryString = frameQueryString(query);
    const body = await this.get(`${this.base}/frames${queryString ? `?${queryString}` : ""}`, signal);
    if (!isRecord(body) || !Array.isArray(body.frames)) throw notTheApi();
    return body as unknown as FramesPage;
  }

  /** The same frame with an image address that works again; null when the frame is no longer kept. */
  async renew(frame: Pick<Frame, "frame_id" | "camera_id" | "captured_at">, signal?: AbortSignal): Promise<Frame | null> {
    const page = await this.frames({ camera: frame.camera_id, ...windowAround(frame.captured_at) }, signal);
    return page.frames.find((found) => found.frame_id === frame.frame_id) ?? null;
  }

  /** The frames of a camera next to an instant, of which one may be its own; each side nearest first. */
  async around(camera: string, at: string, limit: number, signal?: AbortSignal): Promise<FramesAround> {
    return this.listed("frames/around", "before", { camera, at, limit }, signal);
  }

  async me(signal?: AbortSignal): Promise<Me> {
    const body = await this.get(`${this.base}/me`, signal);
    if (!isRecord(body) || typeof body.role !== "string") throw notTheApi();
    return body as unknown as Me;
  }

  async cameras(signal?: AbortSignal): Promise<CameraStatuses> {
    return this.listed("cameras", "cameras", {}, signal);
  }

  async alerts(query: Query, signal?: AbortSignal): Promise<AlertsPage> {
    return this.listed("alerts", "alerts", query, signal);
  }

  async visits(query: Query, signal?: AbortSignal): Promise<VisitsPage> {
    return this.listed("visits", "visits", query, signal);
  }

  async withheld(query: Query, signal?: AbortSignal): Promise<WithheldPage> {
    return this.listed("withheld", "withheld", query, signal);
  }

  async snoozes(signal?: AbortSignal): Promise<Snoozes> {
    return this.listed("snoozes", "snoozes", {}, signal);
  }

  async latency(query: Query, signal?: AbortSignal): Promise<Latency> {
    return this.listed("latency", "stages", query, signal);
  }

  async stats(query: Query, signal?: AbortSignal): Promise<Stats> {
    return this.listed("stats", "cameras", query, signal);
  }

  /** Raises ApiProblem, refused with 409 or 404 where the alert is not there to be answered. */
  async answer(alert: Alert, kind: AnswerKind, minutes: number | null = null): Promise<Answered> {
    const body = { ...reference(alert), kind, ...(minutes === null ? {} : { minutes }) };
    return (await this.post(`${this.base}/alerts/answer`, body)) as Answered;
  }

  async note(alert: Alert, text: string): Promise<Alert> {
    return (await this.post(`${this.base}/alerts/notes`, { ...reference(alert), text })) as Alert;
  }

  /** Marks what was decided until then as looked at, forward only; what holds from now on. */
  async markSeen(until: string): Promise<string | null> {
    const body = (await this.post(`${this.base}/me/seen`, { until })) as Pick<Me, "seen_until">;
    return body.seen_until ?? null;
  }

  async limits(signal?: AbortSignal): Promise<Limits> {
    const body = await this.get(`${this.base}/limits`, signal);
    if (!isRecord(body) || !isRecord(body.holds) || !isRecord(body.used)) throw notTheApi();
    return body as unknown as Limits;
  }

  async setLimits(request: LimitsRequest): Promise<LimitsSet> {
    return (await this.post(`${this.base}/limits`, request)) as LimitsSet;
  }

  /** month: "2026-11"; null: the one that it is. Refused for who is no operator, and nobody leaves the page for it. */
  async costs(month: string | null, signal?: AbortSignal): Promise<Costs> {
    const url = `${this.base}/costs${month === null ? "" : `?month=${month}`}`;
    const body = await this.get(url, signal, false);
    if (!isRecord(body) || !Array.isArray(body.cameras) || !isRecord(body.prices)) throw notTheApi();
    return body as unknown as Costs;
  }

  async budget(signal?: AbortSignal): Promise<BudgetSteps> {
    const body = await this.get(`${this.base}/budget`, signal, false);
    if (!isRecord(body) || !Array.isArray(body.set) || !Array.isArray(body.changes)) throw notTheApi();
    return body as unknown as BudgetSteps;
  }

  async setBudget(request: BudgetRequest): Promise<void> {
    await this.post(`${this.base}/budget`, request);
  }

  async endSnooze(snooze: Snooze): Promise<void> {
    await this.post(`${this.base}/snoozes/end`, { rule: snooze.rule_id, scope: snooze.scope });
  }

  /** Asks for a whole list before its view is there; the first question for it takes this answer, good or bad. */
  askAhead(path: "cameras"): Promise<unknown> {
    const url = `${this.base}/${path}`;
    const answer = this.get(url);
    answer.catch(() => undefined);
    this.ahead.set(url, answer);
    return answer;
  }

  private async listed<T>(path: string, field: string, query: Query, signal?: AbortSignal): Promise<T> {
    const params = new URLSearchParams(Object.entries(query).flatMap(([name, value]) => valuesOf(name, value)));
    const url = `${this.base}/${path}${params.size ? `?${params}` : ""}`;
    const ahead = this.ahead.get(url);
    this.ahead.delete(url);
    const body = await (ahead ?? this.get(url, signal));
    if (!isRecord(body) || !Array.isArray(body[field])) throw notTheApi();
    return body as T;
  }

  private get(url: string, signal?: AbortSignal, mayLeave = true): Promise<unknown> {
    return this.signedIn((token) => this.ask(url, { token, ...(signal ? { signal } : {}) }), mayLeave);
  }

  /** What changes something: refused is refused, and no reason to leave the page. */
  private post(url: string, json: unknown): Promise<unknown> {
    return this.signedIn((token) => this.ask(url, { token, json }), false);
  }

  /** mayLeave: a 403 says that whoever is signed in may see nothing here. */
  private async signedIn(ask: (token: string | null) => Promise<unknown>, mayLeave: boolean): Promise<unknown> {
    const { authority } = this;
    if (!authority) return ask(null);
    const askAs = async (token: string) => {
      try {
        const body = await ask(token);
        authority.onAccepted();
        return body;
      } catch (error) {
        if (!mayLeave || !isStatus(error, 403) || error.code !== "forbidden") throw error;
        authority.onForbidden();
        throw gaveUp();
      }
    };
    const token = await authority.token();
    try {
      return await askAs(token);
    } catch (error) {
      if (!isStatus(error, 401)) throw error;
    }
    try {
      return await askAs(await authority.tokenInsteadOf(token));
    } catch (error) {
      if (!isStatus(error, 401)) throw error;
      authority.onRefused();
      throw gaveUp();
    }
  }

  private ask(
    url: string,
    { token, signal, json }: { token: string | null; signal?: AbortSignal; json?: unknown },
  ): Promise<unknown> {
    return askJson(url, {
      fetchFn: this.fetchFn,
      ...(signal ? { signal } : {}),
      ...(token === null ? {} : { token }),
      ...(json === undefined ? {} : { json }),
      onResponse: ({ headers }) => this.clock.learn(headers),
    });
  }
}

/** Parameters of a question; null and false are left out. */
export type Query = Record<string, string | number | boolean | readonly string[] | null>;

function valuesOf(name: string, value: Query[string]): [string, string][] {
  if (value === null || value === false || value === "") return [];
  if (typeof value === "object") return value.map((each) => [name, each]);
  return [[name, String(value)]];
}

function reference({ camera_id, captured_at, alert_id }: Alert): { camera: string; captured_at: string; alert_id: string } {
  return { camera: camera_id, captured_at, alert_id };
}

function isStatus(error: unknown, status: number): error is ApiProblem {
  return error instanceof ApiProblem && error.status === status;
}

export async function loadConfig(clock: ServerClock, fetchFn: typeof fetch = fetch): Promise<RuntimeConfig> {
  // By the browser's own rules, as index.html asks for it ahead; it is served to be asked for anew.
  const body = await askJson("/config.json", { fetchFn, cache: "default", onResponse: ({ headers }) => clock.learn(headers) });
  if (!isRecord(body) || typeof body.api_base !== "string") throw notTheApi();
  return body as unknown as RuntimeConfig;
}

interface AskOptions {
  fetchFn: typeof fetch;
  signal?: AbortSignal;
  /** Sent to this address and nowhere else. */
  token?: string;
  /** Posted; absent: the address is read. */
  json?: unknown;
  cache?: RequestCache;
  onResponse?: (response: Response) => void;
}

/** Raises ApiProblem, or the AbortError of `signal`. */
export async function askJson(
  url: string,
  { fetchFn, signal, token, json, cache = "no-store", onResponse }: AskOptions,
): Promise<unknown> {
  const controller = new AbortController();
  const abort = () => controller.abort();
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    abort();
  }, REQUEST_TIMEOUT_MS);
  if (signal?.aborted) abort();
  signal?.addEventListener("abort", abort, { once: true });
  try {
    const response = await fetchFn(url, {
      signal: controller.signal,
      headers: {
        accept: "application/json",
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(json === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(json === undefined ? {} : { method: "POST", body: JSON.stringify(json) }),
      cache,
      credentials: "same-origin",
      // No API of ours moves; a token must not travel on to wherever something in between points.
      redirect: "error",
    });
    onResponse?.(response);
    const text = await response.text();
    if (!response.ok) throw problemOf(response, text);
    try {
      return JSON.parse(text);
    } catch {
      throw notTheApi(response.status);
    }
  } catch (error) {
    if (error instanceof ApiProblem) throw error;
    if (signal?.aborted) throw gaveUp();
    throw new ApiProblem("unreachable", timedOut ? "No answer in time." : "The network request failed.");
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  }
}

const RETRYABLE_4XX = new Set([408, 425, 429]);

function problemOf(response: Response, text: string): ApiProblem {
  const { code, message } = errorOf(text);
  const retryable = response.status >= 500 || RETRYABLE_4XX.has(response.status);
  const retryAfterS = Number(response.headers.get("retry-after") ?? Number.NaN);
  return new ApiProblem(
    retryable ? "failing" : "refused",
    message ?? `HTTP ${response.status}`,
    response.status,
    Number.isFinite(retryAfterS) ? retryAfterS * 1000 : null,
    code,
  );
}

function errorOf(text: string): { code: string | null; message: string | null } {
  try {
    const { error } = JSON.parse(text) as Partial<ErrorBody>;
    return { code: textOrNull(error?.code), message: textOrNull(error?.message) };
  } catch {
    return { code: null, message: null }; // an error page from something in front of the API
  }
}

function textOrNull(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

function notTheApi(status: number | null = null): ApiProblem {
  return new ApiProblem("failing", "The answer was not the API's.", status);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
