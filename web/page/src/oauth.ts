/**
 * The OpenID Connect provider: the Authorization Code flow with PKCE. This module is loaded only when it is needed.
 *
 * Its functions reject with the errors of oauth4webapi. They contain parts of requests and responses: do not log them.
 */

import * as oauth from "oauth4webapi";
import { alone, handOver, newestOf } from "./handover.js";
import type { Attempt, Session, SignIn } from "./store.js";

const TIMEOUT_MS = 15_000;
/** Clocks of visitors may be wrong. The server checks the token by its own clock. */
const CLOCK_TOLERANCE_SECONDS = 600;
/** The part of its lifetime after which a token is renewed. */
const RENEWED_AT = 0.9;
/** The maximum backoff after failed renewals, and the maximum Retry-After that is honoured. */
const LONGEST_DELAY_MS = 60_000;
const LONGEST_WAIT_MS = 60 * 60_000;

/** Return the address at which to sign in, and what `finish` needs afterwards. */
export async function start(
  signIn: SignIn,
  redirectUri: string,
): Promise<{ address: string; attempt: Omit<Attempt, "hash"> }> {
  const server = await discover(signIn);
  const attempt = {
    verifier: oauth.generateRandomCodeVerifier(),
    state: oauth.generateRandomState(),
    nonce: oauth.generateRandomNonce(),
  };
  const address = new URL(endpoint(server, "authorization_endpoint"));
  const parameters = {
    client_id: signIn.clientId,
    redirect_uri: redirectUri,
    response_type: "code",
    scope: "openid profile",
    code_challenge: await oauth.calculatePKCECodeChallenge(attempt.verifier),
    code_challenge_method: "S256",
    state: attempt.state,
    nonce: attempt.nonce,
  };
  for (const [name, value] of Object.entries(parameters)) address.searchParams.set(name, value);
  return { address: address.href, attempt };
}

/** Exchange the code in the response of the provider, the query of the redirect, for tokens. */
export async function finish(
  signIn: SignIn,
  redirectUri: string,
  answer: URLSearchParams,
  { verifier, state, nonce }: Attempt,
): Promise<Session> {
  const server = await discover(signIn);
  const client = clientOf(signIn);
  const code = oauth.validateAuthResponse(server, client, answer, state);
  const response = await oauth.authorizationCodeGrantRequest(
    server,
    client,
    oauth.None(),
    code,
    redirectUri,
    verifier,
    optionsOf(signIn),
  );
  const checks = { expectedNonce: nonce, requireIdToken: true };
  return sessionOf(await oauth.processAuthorizationCodeResponse(server, client, response, checks));
}

/** The sessions of this tab. */
export interface SessionStore {
  load(): Session | null;
  save(session: Session): void;
}

/**
 * Return a token of the visitor, renewed by this tab or another one; null if nobody is signed in. Rejects if the provider
 * cannot renew it now: the refresh token is kept, unless the provider says that it is not valid.
 */
export function renew(signIn: SignIn, sessions: SessionStore): Promise<string | null> {
  return alone(async () => {
    const session = sessions.load();
    if (!session?.refreshToken) return session?.idToken ?? null;
    let newest = await newestOf(session);
    if (Date.now() >= newest.renewAt) newest = await exchange(signIn, newest);
    if (!sessions.load()) return null; // signed out meanwhile
    if (newest !== session) sessions.save(newest);
    return newest.idToken;
  });
}

/** Return a session with new tokens, or this one as long as its token is valid and the provider cannot be asked. */
async function exchange(signIn: SignIn, session: Session): Promise<Session> {
  const { refreshToken, expiresAt = 0 } = session;
  if (!refreshToken) return session;
  try {
    if (Date.now() < notBefore) throw new Error("the provider has asked to wait");
    return await refresh(signIn, session, refreshToken);
  } catch (error) {
    if (isRejected(error)) {
      // Without locks, another tab may have been faster.
      const newest = await newestOf(session);
      return newest === session ? { ...session, refreshToken: undefined } : newest;
    }
    if (Date.now() < expiresAt) return session;
    throw error;
  }
}

/** Return whether the refresh token is not valid any more. A proxy may put any text into a response that says "later". */
function isRejected(error: unknown): boolean {
  const isExplained = error instanceof oauth.ResponseBodyError && error.error === "invalid_grant";
  return isExplained && error.status !== 408 && error.status !== 429;
}

async function refresh(signIn: SignIn, session: Session, refreshToken: string): Promise<Session> {
  const server = await discover(signIn);
  const client = clientOf(signIn);
  const options = optionsOf(signIn);
  const response = await oauth.refreshTokenGrantRequest(server, client, oauth.None(), refreshToken, options);
  const tokens = await oauth.processRefreshTokenResponse(server, client, noteWait(response));
  failures = 0;
  if (!tokens.id_token) return { ...session, refreshToken: undefined };
  const renewed = { refreshToken, ...sessionOf(tokens) };
  await handOver(refreshToken, renewed);
  return renewed;
}

let notBefore = 0;
let failures = 0;

/** Note how long to wait after an error response. Network errors are left to the client, which tries again by itself. */
function noteWait(response: Response): Response {
  if (response.ok) return response;
  const retryAfter = response.headers.get("Retry-After") ?? "";
  const asked = Number(retryAfter) * 1_000 || Date.parse(retryAfter) - Date.now() || 0;
  const delay = Math.min(1_000 * 2 ** failures++, LONGEST_DELAY_MS);
  notBefore = Date.now() + Math.max(delay, Math.min(asked, LONGEST_WAIT_MS));
  return response;
}

/** Return the address that ends the session at the provider, or null if it has none. */
export async function endOf(signIn: SignIn, redirectUri: string, { idToken }: Session): Promise<string | null> {
  const { end_session_endpoint: end } = await discover(signIn);
  if (!end) return null;
  const address = new URL(end);
  address.searchParams.set("id_token_hint", idToken);
  address.searchParams.set("client_id", signIn.clientId);
  address.searchParams.set("post_logout_redirect_uri", redirectUri);
  return address.href;
}

async function discover(signIn: SignIn): Promise<oauth.AuthorizationServer> {
  const issuer = new URL(signIn.issuer);
  return oauth.processDiscoveryResponse(issuer, noteWait(await oauth.discoveryRequest(issuer, optionsOf(signIn))));
}

function endpoint(server: oauth.AuthorizationServer, name: "authorization_endpoint"): string {
  const address = server[name];
  if (address === undefined) throw new Error(`the provider has no ${name}`);
  return address;
}

function clientOf({ clientId }: SignIn): oauth.Client {
  return { client_id: clientId, [oauth.clockTolerance]: CLOCK_TOLERANCE_SECONDS };
}

// The server accepts an issuer without TLS on the same machine only.
function optionsOf({ issuer }: SignIn) {
  return {
    [oauth.allowInsecureRequests]: issuer.startsWith("http:"),
    signal: () => AbortSignal.timeout(TIMEOUT_MS),
  };
}

function sessionOf(tokens: oauth.TokenEndpointResponse): Session {
  const claims = oauth.getValidatedIdTokenClaims(tokens);
  if (!claims || !tokens.id_token) throw new Error("expected an ID token");
  const { sub, name, preferred_username: userName, iat, exp } = claims;
  return {
    idToken: tokens.id_token,
    ...(tokens.refresh_token && { refreshToken: tokens.refresh_token }),
    subject: sub,
    name: String(name ?? userName ?? ""),
    // By the visitor's clock, which may differ from the provider's.
    renewAt: Date.now() + (exp - iat) * 1_000 * RENEWED_AT,
    expiresAt: Date.now() + (exp - iat) * 1_000,
  };
}
