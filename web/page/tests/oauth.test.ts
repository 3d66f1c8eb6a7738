/** The renewal of sessions: which responses of a provider end one, and what several tabs with the same session do. */

import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { renew } from "../src/oauth.js";
import type { Session } from "../src/store.js";

const ISSUER = "https://login.test";
const SIGN_IN = { issuer: ISSUER, clientId: "page", required: true };
const DAY = 24 * 60 * 60_000;
/** The time at which a test begins: each on another day, because a provider may have asked the one before to wait. */
let start = Date.parse("2026-11-23T10:00:00Z");
const MINUTE = 60_000;

/** A provider that rotates its refresh tokens, and ends the session when one comes again. */
class Provider {
  valid = "r0";
  /** A response instead of the usual one. */
  refuse: (() => Response) | null = null;
  requests = 0;
  isEnded = false;

  fetch = async (url: RequestInfo | URL, { body }: RequestInit = {}): Promise<Response> => {
    if (String(url).includes(".well-known"))
      return Response.json({ issuer: ISSUER, token_endpoint: `${ISSUER}/token` });
    this.requests += 1;
    if (this.refuse) return this.refuse();
    const isValid = new URLSearchParams(String(body)).get("refresh_token") === this.valid;
    this.isEnded ||= !isValid;
    if (this.isEnded) return refusal(400, "invalid_grant");
    this.valid = `r${this.requests}`;
    const [iat, exp] = [Date.now() / 1_000, (Date.now() + 10 * MINUTE) / 1_000].map(Math.round);
    return Response.json({
      access_token: "unused",
      token_type: "bearer",
      refresh_token: this.valid,
      id_token: token({ iss: ISSUER, sub: "aki", aud: "page", iat, exp, name: "Aki" }),
    });
  };
}

function token(claims: unknown): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({ alg: "RS256" })}.${part(claims)}.${part("signature")}`;
}

const refusal = (status: number, error: string, headers: Record<string, string> = {}) =>
  Response.json({ error }, { status, headers });

/** A tab with a session whose token has expired. */
class Tab {
  session: Session | null;
  readonly store = {
    load: () => this.session,
    save: (session: Session) => {
      this.session = session;
    },
  };

  constructor(session: Partial<Session> = {}) {
    const expired = { idToken: "t0", refreshToken: "r0", subject: "aki", name: "Aki", renewAt: start - 2 * MINUTE };
    this.session = { ...expired, expiresAt: start - MINUTE, ...session };
  }

  /** Duplicate it: the browser copies sessionStorage. */
  duplicate(): Tab {
    return new Tab(this.session ?? {});
  }

  renew(): Promise<string | null> {
    return renew(SIGN_IN, this.store);
  }
}

function setLocks(locks: unknown): void {
  Object.defineProperty(globalThis, "navigator", { value: { locks }, configurable: true });
}

let provider: Provider;

beforeEach(() => {
  start += 2 * DAY;
  mock.timers.enable({ apis: ["Date"], now: start });
  setLocks(undefined);
  provider = new Provider();
  mock.method(globalThis, "fetch", (...request: Parameters<typeof fetch>) => provider.fetch(...request));
  const items = new Map<string, string>();
  const storage = {
    getItem: (key: string) => items.get(key) ?? null,
    setItem(key: string, value: string) {
      items.set(key, value);
      Object.assign(this, { [key]: value });
    },
    removeItem(key: string) {
      items.delete(key);
      Reflect.deleteProperty(this, key);
    },
  };
  // As in a browser, its keys are those of the object.
  for (const name of Object.keys(storage)) Object.defineProperty(storage, name, { enumerable: false });
  Object.defineProperty(globalThis, "localStorage", { value: storage, configurable: true });
});

afterEach(() => {
  mock.timers.reset();
  mock.restoreAll();
  Reflect.deleteProperty(globalThis, "localStorage");
});

const TEMPORARY: readonly (readonly [string, () => Response])[] = [
  ["408", () => refusal(408, "timeout")],
  ["429", () => refusal(429, "slow_down")],
  ["429 that mentions invalid_grant", () => refusal(429, "invalid_grant")],
  ["400 temporarily_unavailable", () => refusal(400, "temporarily_unavailable")],
  ["400 server_error", () => refusal(400, "server_error")],
  ["401 invalid_client", () => refusal(401, "invalid_client")],
  [
    "403 of a proxy",
    () => new Response("<h1>Forbidden</h1>", { status: 403, headers: { "Content-Type": "text/html" } }),
  ],
  ["500", () => refusal(500, "server_error")],
  ["503", () => new Response("", { status: 503 })],
  ["200 without JSON", () => new Response("<h1>Hello</h1>", { headers: { "Content-Type": "text/html" } })],
  ["no network", () => assert.fail("offline")],
];

for (const [kind, refuse] of TEMPORARY) {
  test(`a renewal that fails with ${kind} keeps the refresh token, and is repeated`, async () => {
    const tab = new Tab();
    provider.refuse = refuse;
    await assert.rejects(tab.renew());
    assert.equal(tab.session?.refreshToken, "r0");
    provider.refuse = null;
    mock.timers.tick(MINUTE);
    assert.equal(await tab.renew(), tab.session?.idToken);
    assert.equal(tab.session?.refreshToken, provider.valid);
    assert.notEqual(tab.session?.idToken, "t0");
  });
}

test("a refresh token that is not valid is thrown away", async () => {
  const tab = new Tab();
  provider.refuse = () => refusal(400, "invalid_grant");
  assert.equal(await tab.renew(), "t0");
  assert.equal(tab.session?.refreshToken, undefined);
});

for (const kind of ["seconds", "a date"]) {
  test(`a provider that asks to wait, by ${kind} in Retry-After, is not asked before`, async () => {
    const tab = new Tab();
    const retryAfter = kind === "seconds" ? "120" : new Date(start + 2 * MINUTE).toUTCString();
    provider.refuse = () => refusal(429, "slow_down", { "Retry-After": retryAfter });
    for (const passed of [0, MINUTE, MINUTE - 1]) {
      mock.timers.tick(passed);
      await assert.rejects(tab.renew());
      assert.equal(provider.requests, 1);
    }
    provider.refuse = null;
    mock.timers.tick(1);
    await tab.renew();
    assert.equal(provider.requests, 2);
  });
}

test("a token that is still valid is used while the provider cannot renew it", async () => {
  const tab = new Tab({ renewAt: start - 1, expiresAt: start + MINUTE });
  provider.refuse = () => refusal(503, "temporarily_unavailable");
  assert.equal(await tab.renew(), "t0");
  assert.equal(tab.session?.refreshToken, "r0");
  mock.timers.tick(2 * MINUTE);
  await assert.rejects(tab.renew());
});

test("a duplicated tab takes over what the other one has renewed, however often", async () => {
  const one = new Tab();
  const other = one.duplicate();
  for (let renewal = 0; renewal < 3; renewal += 1) {
    await one.renew();
    mock.timers.tick(10 * MINUTE);
  }
  await one.renew();
  assert.equal(await other.renew(), one.session?.idToken);
  assert.deepEqual([other.session, provider.requests], [one.session, 4]);
  mock.timers.tick(10 * MINUTE);
  await other.renew();
  await one.renew();
  assert.deepEqual([other.session?.refreshToken, one.session?.refreshToken], [provider.valid, provider.valid]);
  assert.equal(provider.isEnded, false);
});

test("tabs that renew at the same time do it one after the other, and only the first asks the provider", async () => {
  let last: Promise<unknown> = Promise.resolve();
  setLocks({
    request: (_: string, work: () => Promise<unknown>) => {
      last = last.then(work);
      return last;
    },
  });
  const tabs = [new Tab(), new Tab(), new Tab()];
  const tokens = await Promise.all(tabs.map((tab) => tab.renew()));
  assert.deepEqual([new Set(tokens).size, provider.requests, provider.isEnded], [1, 1, false]);
});

test("a tab that was slower where there are no locks takes over the session of the faster one", async () => {
  const one = new Tab();
  const other = one.duplicate();
  const usual = provider.fetch;
  provider.fetch = async (url, options) => {
    if (String(url).endsWith("/token")) {
      provider.fetch = usual;
      await one.renew();
    }
    return usual(url, options);
  };
  assert.equal(await other.renew(), one.session?.idToken);
  assert.deepEqual([other.session, provider.requests], [one.session, 2]);
});

test("what one tab leaves to the others cannot be read without the former refresh token, and is removed after a day", async () => {
  const tab = new Tab();
  await tab.renew();
  const [left] = Object.values<string>({ ...localStorage });
  assert.doesNotMatch(Buffer.from(left?.split(" ")[1] ?? "", "base64").toString("latin1"), /idToken|refreshToken/);
  mock.timers.tick(25 * 60 * MINUTE);
  await tab.renew();
  assert.equal(Object.keys(localStorage).length, 1);
});

test("a session that cannot be encrypted is renewed all the same", async () => {
  const importKey = mock.method(crypto.subtle, "importKey", () => Promise.reject(new Error("not supported")));
  const tab = new Tab();
  assert.equal(await tab.renew(), tab.session?.idToken);
  assert.deepEqual([tab.session?.refreshToken, importKey.mock.callCount() > 0], ["r1", true]);
  importKey.mock.restore();
});

test("who has signed out meanwhile stays signed out", async () => {
  const tab = new Tab();
  const renewed = tab.renew();
  tab.session = null;
  assert.equal(await renewed, null);
  assert.equal(tab.session, null);
});
