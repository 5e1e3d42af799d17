import { ServerClock } from "../time/serverClock";
import type { ErrorBody, Frame, FramesPage, RuntimeConfig, Site } from "./types";

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
  async renew(frame: Frame, signal?: AbortSignal): Promise<Frame | null> {
    const page = await this.frames({ camera: frame.camera_id, ...windowAround(frame.captured_at) }, signal);
    return page.frames.find((found) => found.frame_id === frame.frame_id) ?? null;
  }

  private async get(url: string, signal?: AbortSignal): Promise<unknown> {
    if (!this.authority) return this.ask(url, null, signal);
    const token = await this.authority.token();
    try {
      return await this.askAs(this.authority, url, token, signal);
    } catch (error) {
      if (!isStatus(error, 401)) throw error;
    }
    try {
      return await this.askAs(this.authority, url, await this.authority.tokenInsteadOf(token), signal);
    } catch (error) {
      if (!isStatus(error, 401)) throw error;
      this.authority.onRefused();
      throw gaveUp();
    }
  }

  private async askAs(authority: Authority, url: string, token: string, signal?: AbortSignal): Promise<unknown> {
    try {
      const body = await this.ask(url, token, signal);
      authority.onAccepted();
      return body;
    } catch (error) {
      if (!isStatus(error, 403) || error.code !== "forbidden") throw error;
      authority.onForbidden();
      throw gaveUp();
    }
  }

  private ask(url: string, token: string | null, signal?: AbortSignal): Promise<unknown> {
    return getJson(url, {
      fetchFn: this.fetchFn,
      ...(signal ? { signal } : {}),
      ...(token === null ? {} : { token }),
      onResponse: ({ headers }) => this.clock.learn(headers),
    });
  }
}

function isStatus(error: unknown, status: number): error is ApiProblem {
  return error instanceof ApiProblem && error.status === status;
}

export async function loadConfig(clock: ServerClock, fetchFn: typeof fetch = fetch): Promise<RuntimeConfig> {
  const body = await getJson("/config.json", { fetchFn, onResponse: ({ headers }) => clock.learn(headers) });
  if (!isRecord(body) || typeof body.api_base !== "string") throw notTheApi();
  return body as unknown as RuntimeConfig;
}

interface GetOptions {
  fetchFn: typeof fetch;
  signal?: AbortSignal;
  /** Sent to this address and nowhere else. */
  token?: string;
  onResponse?: (response: Response) => void;
}

/** Raises ApiProblem, or the AbortError of `signal`. */
export async function getJson(url: string, { fetchFn, signal, token, onResponse }: GetOptions): Promise<unknown> {
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
      headers: { accept: "application/json", ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
      cache: "no-store",
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
