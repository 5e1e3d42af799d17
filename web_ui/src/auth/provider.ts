// The sign-in's own protocol: OAuth 2.0 code flow with PKCE and OpenID Connect, by oauth4webapi, against Amazon Cognito's pages.

import * as oauth from "oauth4webapi";
import { ApiProblem, REQUEST_TIMEOUT_MS } from "../api/client";
import type { SignInConfig } from "../api/types";
import type { ServerClock } from "../time/serverClock";
import type { Attempt } from "./tabMemory";

// What the app client allows; the groups come in the access token with either.
const SCOPE = "openid email";

export interface Grant {
  accessToken: string;
  /** null: the one used before goes on working. */
  refreshToken: string | null;
  lifetimeMs: number;
  /** E-mail address, or what else the provider calls this person; null when it did not say. */
  who: string | null;
}

/** The provider understood and said no, or sent something that must not be trusted: asking again will not help. */
export class SignInRefused extends Error {
  constructor(
    readonly code: string,
    readonly detail: string | null = null,
  ) {
    super(detail ?? code);
    this.name = "SignInRefused";
  }
}

/** config.json asks for something that this page does not do. */
export class SignInMisconfigured extends Error {}

export class Provider {
  private readonly server: oauth.AuthorizationServer;
  private readonly client: oauth.Client;
  private readonly redirectUri: string;

  /** Raises SignInMisconfigured. */
  constructor(
    private readonly config: SignInConfig,
    origin: string,
    private readonly clock: ServerClock,
    private readonly fetchFn: typeof fetch = (input, init) => fetch(input, init),
  ) {
    const tokenUrl = safeUrl("token_url", config.token_url, origin);
    this.server = {
      issuer: config.issuer,
      authorization_endpoint: safeUrl("authorize_url", config.authorize_url, origin).href,
      token_endpoint: tokenUrl.href,
      // Cognito's own neighbour of the token endpoint: /oauth2/token, /oauth2/revoke.
      revocation_endpoint: new URL("revoke", tokenUrl).href,
      end_session_endpoint: safeUrl("logout_url", config.logout_url, origin).href,
    };
    this.client = { client_id: config.client_id };
    this.redirectUri = `${origin}/`;
  }

  /** A new attempt, and the provider's address to take it to. */
  async begin(returnTo: string): Promise<{ attempt: Attempt; url: string }> {
    const attempt: Attempt = {
      state: oauth.generateRandomState(),
      nonce: oauth.generateRandomNonce(),
      codeVerifier: oauth.generateRandomCodeVerifier(),
      returnTo,
    };
    const url = withParams(this.server.authorization_endpoint, {
      response_type: "code",
      client_id: this.config.client_id,
      redirect_uri: this.redirectUri,
      scope: SCOPE,
      state: attempt.state,
      nonce: attempt.nonce,
      code_challenge: await oauth.calculatePKCECodeChallenge(attempt.codeVerifier),
      code_challenge_method: "S256",
    });
    return { attempt, url };
  }

  /** Raises SignInRefused or ApiProblem. */
  async redeem(params: URLSearchParams, attempt: Attempt): Promise<Grant> {
    return this.granted(async () => {
      const checked = oauth.validateAuthResponse(this.server, this.client, params, attempt.state);
      const response = await oauth.authorizationCodeGrantRequest(
        this.server,
        this.client,
        oauth.None(),
        checked,
        this.redirectUri,
        attempt.codeVerifier,
        this.options(),
      );
      return oauth.processAuthorizationCodeResponse(this.server, this.clientNow(), response, { expectedNonce: attempt.nonce });
    });
  }

  /** Raises SignInRefused or ApiProblem. */
  async refresh(refreshToken: string): Promise<Grant> {
    return this.granted(async () => {
      const response = await oauth.refreshTokenGrantRequest(this.server, this.client, oauth.None(), refreshToken, this.options());
      return oauth.processRefreshTokenResponse(this.server, this.clientNow(), response);
    });
  }

  /** Asks for the refresh token to be forgotten, and does not wait: the page is about to leave. Never raises. */
  revoke(refreshToken: string): void {
    // no-cors, which goes with "follow": the answer is not read, and the provider need not let this page read it.
    const sent: typeof fetch = (input, init) =>
      this.fetchFn(input, { ...init, keepalive: true, mode: "no-cors", redirect: "follow" });
    const options = { ...this.options(), [oauth.customFetch]: sent };
    oauth.revocationRequest(this.server, this.client, oauth.None(), refreshToken, options).catch(() => undefined);
  }

  /** Where the provider forgets its own session, and sends the browser back from. */
  logoutUrl(): string {
    return withParams(this.server.end_session_endpoint, { client_id: this.config.client_id, logout_uri: this.redirectUri });
  }

  private options() {
    return {
      [oauth.customFetch]: this.fetchFn,
      // Looked at by safeUrl: https, or this very machine.
      [oauth.allowInsecureRequests]: true,
      signal: () => AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    };
  }

  /** The client as the ID token is checked for: by the server's clock, not by a wrong one on the desk. */
  private clientNow(): oauth.Client {
    return { ...this.client, [oauth.clockSkew]: Math.round(this.clock.offsetMs / 1000) };
  }

  private async granted(ask: () => Promise<oauth.TokenEndpointResponse>): Promise<Grant> {
    let tokens: oauth.TokenEndpointResponse;
    try {
      tokens = await ask();
    } catch (error) {
      throw problemOf(error);
    }
    const claims = oauth.getValidatedIdTokenClaims(tokens);
    const who = [claims?.email, claims?.["cognito:username"], claims?.sub].find((name) => typeof name === "string");
    return {
      accessToken: tokens.access_token,
      refreshToken: tokens.refresh_token ?? null,
      // RFC 6749 only recommends expires_in; an hour is Cognito's default. A 401 renews in any case.
      lifetimeMs: (tokens.expires_in ?? 3600) * 1000,
      who: (who as string | undefined) ?? null,
    };
  }
}

const RETRYABLE_CODES = new Set(["server_error", "temporarily_unavailable", "slow_down"]);
const NOT_THE_PROVIDER = new Set<string | undefined>([oauth.RESPONSE_IS_NOT_CONFORM, oauth.RESPONSE_IS_NOT_JSON, oauth.PARSE_ERROR]);

function problemOf(error: unknown): Error {
  if (error instanceof oauth.AuthorizationResponseError) return new SignInRefused(error.error, error.error_description ?? null);
  if (error instanceof oauth.ResponseBodyError) {
    const passing = error.status >= 500 || error.status === 429 || RETRYABLE_CODES.has(error.error);
    return passing ? failing() : new SignInRefused(error.error, error.error_description ?? null);
  }
  // Not in the protocol's own words: an error page, or something in front of the provider that answers for it.
  if (error instanceof oauth.OperationProcessingError && NOT_THE_PROVIDER.has(error.code)) return failing();
  // fetch says TypeError where there is no network, and DOMException when its time is up.
  if (error instanceof TypeError || error instanceof DOMException) {
    return new ApiProblem("unreachable", "The sign-in cannot be reached.");
  }
  return new SignInRefused("invalid_response", error instanceof Error ? error.message : null);
}

function failing(): ApiProblem {
  return new ApiProblem("failing", "The sign-in is not answering properly.");
}

/** https, or http on this machine, where the demo runs. */
function safeUrl(name: string, value: string, origin: string): URL {
  const url = URL.canParse(value, origin) ? new URL(value, origin) : null;
  if (url?.protocol === "https:" || (url?.protocol === "http:" && ["127.0.0.1", "localhost"].includes(url.hostname))) return url;
  throw new SignInMisconfigured(`sign_in.${name} in config.json must be an https address`);
}

function withParams(address: string | undefined, params: Record<string, string>): string {
  const url = new URL(address ?? "");
  for (const [name, value] of Object.entries(params)) url.searchParams.set(name, value);
  return url.href;
}
