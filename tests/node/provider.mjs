/**
 * An OpenID Connect provider for the tests, with one public client: `node provider.mjs '{"port", "clientId", "page"}'`.
 *
 * Whoever writes a name into its form is signed in under that name. Beside the provider's own paths:
 *
 * - `POST /test/settings` with `{"lifetime", "age", "refreshTokens", "refusal"}`: the lifetime of the next ID tokens in seconds,
 *   how old they are when they arrive, whether refresh tokens come with them, and the status of an error response to all requests
 *   for tokens, 0 for none.
 * - `POST /test/rotate`: replaces the key that signs.
 * - `GET /test/requests`: the number of requests by path.
 */

import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { json, text } from "node:stream/consumers";
import Provider from "oidc-provider";
import { createMemoryAdapter } from "oidc-provider/lib/adapters/memory_adapter.js";

const { port, clientId, page } = JSON.parse(process.argv[2]);
const issuer = `http://127.0.0.1:${port}`;
const settings = { lifetime: 600, age: 0, refreshTokens: false, refusal: 0 };
const requests = {};
let keys = 0;
// Tokens are old when the clock of the provider is behind.
const clock = Date.now;
Date.now = () => clock() - settings.age * 1000;
// Sessions and tokens outlast the change of the key, which makes another provider.
const adapter = createMemoryAdapter();
let provider = makeProvider();

function makeProvider() {
  const key = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" });
  keys += 1;
  return new Provider(issuer, {
    adapter,
    jwks: { keys: [{ ...key, kid: `key-${keys}`, alg: "RS256", use: "sig" }] },
    cookies: { keys: ["of the tests"] },
    clients: [
      {
        client_id: clientId,
        token_endpoint_auth_method: "none",
        grant_types: ["authorization_code", "refresh_token"],
        redirect_uris: [page],
        post_logout_redirect_uris: [page],
      },
    ],
    claims: { openid: ["sub"], profile: ["name"] },
    conformIdTokenClaims: false,
    clientBasedCORS: (_, origin) => origin === new URL(page).origin,
    features: { devInteractions: { enabled: false }, rpInitiatedLogout: { enabled: true, logoutSource } },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, name: id }) }),
    interactions: { url: (_, { uid }) => `/login/${uid}` },
    issueRefreshToken: () => settings.refreshTokens,
    loadExistingGrant,
    ttl: {
      AccessToken: 600,
      Grant: 3600,
      IdToken: () => settings.lifetime,
      Interaction: 3600,
      RefreshToken: 3600,
      Session: 3600,
    },
  });
}

// Without the question whether the user agrees.
async function loadExistingGrant({ oidc }) {
  const grant = new oidc.provider.Grant({ clientId, accountId: oidc.session.accountId });
  grant.addOIDCScope("openid profile");
  await grant.save();
  return grant;
}

async function logoutSource(context, form) {
  context.body = `<!doctype html><title>Sign out</title><h1>Sign out?</h1>${form}
    <button name="logout" value="yes" form="op.logoutForm">Yes</button>`;
}

const LOGIN = `<!doctype html><title>Sign in</title><form method="post">
  <label>User <input name="user" required></label> <button>Continue</button></form>`;

async function handle(request, response) {
  const { method, url } = request;
  const path = new URL(url, issuer).pathname;
  if (path === "/test/settings") {
    Object.assign(settings, await json(request));
    response.end();
  } else if (path === "/test/rotate") {
    provider = makeProvider();
    response.end();
  } else if (path === "/test/requests") {
    response.end(JSON.stringify(requests));
  } else {
    const counted = `${method} ${path.replace(/^(\/\w+)\/.*/, "$1")}`;
    requests[counted] = (requests[counted] ?? 0) + 1;
    if (path === "/token" && settings.refusal) {
      response.writeHead(settings.refusal, { "Content-Type": "application/json", "Access-Control-Allow-Origin": "*" });
      response.end(JSON.stringify({ error: "temporarily_unavailable" }));
    } else if (!path.startsWith("/login/")) {
      await provider.callback()(request, response);
    } else if (method === "GET") {
      response.setHeader("Content-Type", "text/html").end(LOGIN);
    } else {
      const accountId = new URLSearchParams(await text(request)).get("user");
      await provider.interactionFinished(request, response, { login: { accountId } });
    }
  }
}

const server = createServer((request, response) => {
  handle(request, response).catch((error) => {
    console.error(error);
    response.writeHead(500).end();
  });
});
server.listen(port, "127.0.0.1");
await once(server, "listening");
console.log(issuer);
