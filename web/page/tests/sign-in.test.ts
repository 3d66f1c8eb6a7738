/** The page of a chat whose users sign in, opened by a response of the provider that this tab has not asked for. */

import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { settle } from "../../client/tests/fake-server.js";
import { find, go, say, server, shown, usePage } from "./setup.js";

const ISSUER = "https://login.test";
const SESSION = "chalice-chat.session";

usePage({ query: "?code=stolen&state=guessed", signIn: { issuer: ISSUER, clientId: "page", required: true } });

test("a response that this tab has not asked for signs nobody in", async () => {
  await settle();
  assert.deepEqual(
    [find("#sign-in-note").textContent, find("#sign-in-note").hidden],
    ["Signing in did not work. Please try again.", false],
  );
  assert.match(location.href, /^https:\/\/chat\.test\/dev\/(#\/)?$/);
  assert.equal(sessionStorage.getItem(SESSION), null);
  const button = find(".site .sign-in");
  assert.deepEqual([button.textContent, button.hidden, find("#user").hidden], ["Sign in", false, true]);
});

test("a visitor who has not signed in sees a button to do so instead of the rooms", async () => {
  server.respond = (path) => (path === "/rooms" ? [401, { Code: "UnauthorizedError", Message: "no" }] : undefined);
  await go("#/rooms/r1");
  await go("#/");
  assert.deepEqual([find("#sign-in-first").hidden, find("#lobby").classList.contains("signed-out")], [false, true]);
  assert.match(find("#sign-in-first").textContent ?? "", /Please sign in to see the rooms\.\s+Sign in/);
});

/** Sign Aki in, with a token that has to be renewed at a time. */
function save(renewAt: number): void {
  const session = { idToken: "t0", refreshToken: "r0", subject: "aki", name: "Aki", renewAt, expiresAt: renewAt };
  sessionStorage.setItem(SESSION, JSON.stringify(session));
}

const saved = () => JSON.parse(sessionStorage.getItem(SESSION) ?? "{}");

function tokenOf(claims: unknown): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({ alg: "RS256" })}.${part(claims)}.${part("signature")}`;
}

test("a provider that is busy signs nobody out, and what was written meanwhile is sent", async () => {
  let now = Date.parse("2026-11-23T10:00:00Z");
  let isBusy = true;
  let noteRefusal = () => {};
  const refused = new Promise<void>((resolve) => {
    noteRefusal = resolve;
  });
  const { fetch } = globalThis;
  mock.method(Date, "now", () => now);
  mock.method(globalThis, "fetch", async (...request: Parameters<typeof globalThis.fetch>) => {
    const url = String(request[0]);
    if (!url.startsWith(ISSUER)) return fetch(...request);
    if (url.includes(".well-known")) return Response.json({ issuer: ISSUER, token_endpoint: `${ISSUER}/token` });
    if (isBusy) {
      noteRefusal();
      return Response.json({ error: "slow_down" }, { status: 429 });
    }
    const iat = now / 1_000;
    const id_token = tokenOf({ iss: ISSUER, sub: "aki", aud: "page", iat, exp: iat + 600, name: "Aki" });
    return Response.json({ access_token: "unused", token_type: "bearer", refresh_token: "r1", id_token });
  });
  save(now + 60_000);
  await go("#/rooms/r1");
  assert.equal(server.socket.url.searchParams.get("access_token"), "t0");
  now += 120_000;
  server.onFrame = (socket, { action, data }) => {
    if (action !== "sendMessage") return false;
    const error = { code: "unauthorized", message: "the access token has expired", action, clientId: data?.clientId };
    socket.receive({ error });
    socket.cut(1000);
    return true;
  };
  await say("kept");
  mock.timers.tick(300);
  await refused;
  await settle();
  assert.deepEqual([saved().refreshToken, server.sockets.length], ["r0", 1]);
  assert.equal(find("#pending .body").textContent, "kept");
  isBusy = false;
  const sent = new Promise<void>((resolve) => {
    server.onFrame = (_, { action }) => {
      if (action === "sendMessage") resolve();
      return false;
    };
  });
  now += 60_000;
  mock.timers.tick(60_000);
  await sent;
  await settle();
  assert.deepEqual([find("#connection-state").textContent, shown()], ["Connected", ["kept"]]);
  assert.deepEqual([find("#pending").childElementCount, find("#ending").hidden], [0, true]);
  assert.equal(saved().refreshToken, "r1");
  assert.equal(server.socket.url.searchParams.get("access_token"), saved().idToken);
  mock.restoreAll();
});
