import type { ErrorBody, Frame, FramesPage, RuntimeConfig, Site } from "./types";

export const REQUEST_TIMEOUT_MS = 10_000;
/** A difference smaller than this is the Date header's own rounding and the way there. */
const CLOCK_SKEW_IGNORED_MS = 3_000;

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
  ) {
    super(message);
    this.name = "ApiProblem";
  }
}

/** True for a request that its caller gave up on: not a failure. */
export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
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

export class ApiClient {
  /** Server clock minus this browser's clock; 0 until an answer says otherwise. */
  serverOffsetMs = 0;

  constructor(
    private readonly base: string,
    private readonly fetchFn: typeof fetch = (input, init) => fetch(input, init),
    private readonly now: () => number = Date.now,
  ) {}

  /** Now by the server's clock: an operator's wrong clock must not make old pictures look fresh. */
  serverNow(): number {
    return this.now() + this.serverOffsetMs;
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
    return getJson(url, {
      fetchFn: this.fetchFn,
      ...(signal ? { signal } : {}),
      onResponse: (response) => this.learnClock(response),
    });
  }

  private learnClock(response: Response): void {
    const dateMs = Date.parse(response.headers.get("date") ?? "");
    if (Number.isNaN(dateMs)) return;
    // A cached answer carries the Date of its making and its Age since.
    const ageMs = Number(response.headers.get("age") ?? 0) * 1000 || 0;
    const offsetMs = dateMs + ageMs - this.now();
    this.serverOffsetMs = Math.abs(offsetMs) < CLOCK_SKEW_IGNORED_MS ? 0 : offsetMs;
  }
}

export async function loadConfig(fetchFn: typeof fetch = fetch): Promise<RuntimeConfig> {
  const body = await getJson("/config.json", { fetchFn });
  if (!isRecord(body) || typeof body.api_base !== "string") throw notTheApi();
  return body as unknown as RuntimeConfig;
}

interface GetOptions {
  fetchFn: typeof fetch;
  signal?: AbortSignal;
  onResponse?: (response: Response) => void;
}

/** Raises ApiProblem, or the AbortError of `signal`. */
export async function getJson(url: string, { fetchFn, signal, onResponse }: GetOptions): Promise<unknown> {
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
      headers: { accept: "application/json" },
      cache: "no-store",
      credentials: "same-origin",
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
    if (signal?.aborted) throw new DOMException("Aborted", "AbortError");
    throw new ApiProblem("unreachable", timedOut ? "No answer in time." : "The network request failed.");
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  }
}

const RETRYABLE_4XX = new Set([408, 425, 429]);

function problemOf(response: Response, text: string): ApiProblem {
  const message = errorMessage(text) ?? `HTTP ${response.status}`;
  const retryable = response.status >= 500 || RETRYABLE_4XX.has(response.status);
  const retryAfterS = Number(response.headers.get("retry-after") ?? Number.NaN);
  return new ApiProblem(
    retryable ? "failing" : "refused",
    message,
    response.status,
    Number.isFinite(retryAfterS) ? retryAfterS * 1000 : null,
  );
}

function errorMessage(text: string): string | null {
  try {
    const body = JSON.parse(text) as Partial<ErrorBody>;
    return typeof body.error?.message === "string" ? body.error.message : null;
  } catch {
    return null; // an error page from something in front of the API
  }
}

function notTheApi(status: number | null = null): ApiProblem {
  return new ApiProblem("failing", "The answer was not the API's.", status);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
