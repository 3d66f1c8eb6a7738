/** Sign-in of the visitor, where the server offers it. oauth.ts, which talks to the provider, is loaded on demand. */

import { ask, offerReload } from "./ask.js";
import { byId, setText, showText } from "./dom.js";
import {
  forgetVisitor,
  loadAttempt,
  loadSession,
  loadWaiting,
  type SignIn,
  saveAttempt,
  saveSession,
} from "./store.js";

const FAILED = "Signing in did not work. Please try again.";
const UNSENT = "Messages that were not sent are lost when you sign out. Sign out?";

/** If oauth.js could not be loaded so often to renew a token, the page offers a reload. */
const ENOUGH_FAILURES = 3;

const content = document.querySelector<HTMLMetaElement>("meta[name=sign-in]")?.content;
const signIn: SignIn | null = JSON.parse(content || "null");
/** The address that the provider sends the visitor back to: this page, without the room. */
const redirectUri = new URL(".", location.href).href;

const site = document.querySelector(".site");
const user = byId("user", HTMLElement);
const userName = byId("user-name", HTMLElement);
const guest = byId("guest", HTMLElement);
const note = byId("sign-in-note", HTMLElement);
const signOutButton = byId("sign-out", HTMLButtonElement);
const buttons = document.querySelectorAll<HTMLButtonElement>("button.sign-in");

let failures = 0;

export interface SignInHandlers {
  /** Return the address of the room to come back to. */
  here(): string;
  /** End what the visitor is doing. */
  leave(): void;
}

/** Whether only users get in, and the visitor is none. */
export const isMissing = () => signIn?.required === true && !isSignedIn();

/** Whether the visitor has signed in. The token may have expired. */
export const isSignedIn = () => signIn !== null && loadSession() !== null;

/** Return the token of the visitor, or null for a guest. Without sign-in, the client needs no such function. */
export const getToken = signIn ? () => currentToken(signIn) : undefined;

/** Return who has signed in, or null. */
export const subject = () => loadSession()?.subject ?? null;

/** Handle the response of the provider, if it has just sent the visitor back, and show who has signed in. */
export async function enter(handlers: SignInHandlers): Promise<void> {
  if (!signIn) return;
  const answer = new URLSearchParams(location.search);
  if (answer.has("state")) await comeBack(signIn, answer);
  const isUser = isSignedIn();
  site?.classList.toggle("for-guests", !isUser);
  user.hidden = !isUser;
  guest.hidden = isUser;
  setText(userName, loadSession()?.name ?? "");
  for (const button of buttons) {
    button.hidden = isUser && button.parentElement === site;
    setText(button, isUser ? "Sign in again" : "Sign in");
    button.addEventListener("click", () => void goToProvider(signIn, handlers));
  }
  signOutButton.addEventListener("click", () => void signOut(signIn, handlers));
  const shown = subject();
  window.addEventListener("pageshow", ({ persisted }) => {
    // The visitor has come back to a page from before they signed in or out.
    if (persisted && subject() !== shown) location.reload();
  });
}

async function comeBack(signIn: SignIn, answer: URLSearchParams): Promise<void> {
  const attempt = loadAttempt();
  saveAttempt(null);
  // The code is to be neither in the history nor in a link that the visitor copies.
  history.replaceState(null, "", redirectUri + (attempt?.hash ?? ""));
  // Who goes back through the history comes by the provider once more.
  if (!attempt && isSignedIn()) return;
  try {
    if (!attempt) throw new Error("this tab has not started it");
    const session = await (await import("./oauth.js")).finish(signIn, redirectUri, answer, attempt);
    const former = loadSession();
    // What another person has written here must not be sent under this name.
    if (former && former.subject !== session.subject) forgetVisitor();
    saveSession(session);
  } catch (error) {
    fail(error);
  }
}

async function goToProvider(signIn: SignIn, { here }: SignInHandlers): Promise<void> {
  showText(note, "");
  try {
    const oauth = await import("./oauth.js").catch(offerToReload);
    const { address, attempt } = await oauth.start(signIn, redirectUri);
    if (document.body.inert) return; // signing out
    saveAttempt({ ...attempt, hash: here() }); // the visitor may have gone elsewhere meanwhile
    location.assign(address);
  } catch (error) {
    fail(error);
  }
}

async function signOut(signIn: SignIn, { leave }: SignInHandlers): Promise<void> {
  if (Object.keys(loadWaiting()).length && !(await ask(UNSENT, "Sign out"))) return;
  const session = loadSession();
  document.body.inert = true;
  leave();
  forgetVisitor();
  let end: string | null = null;
  try {
    if (session) end = await (await import("./oauth.js")).endOf(signIn, redirectUri, session);
  } catch (error) {
    warn(error);
  }
  location.assign(end ?? redirectUri);
}

async function currentToken(signIn: SignIn): Promise<string | null> {
  const session = loadSession();
  if (!session?.refreshToken || Date.now() < session.renewAt) return session?.idToken ?? null;
  try {
    const oauth = await import("./oauth.js");
    failures = 0;
    return oauth.renew(signIn, { load: loadSession, save: saveSession });
  } catch (error) {
    if (Date.now() < (session.expiresAt ?? 0)) return session.idToken;
    // The client tries again by itself.
    if (++failures === ENOUGH_FAILURES) offerToReload(error);
    throw error;
  }
}

/** Offer to reload the page: oauth.js may have been replaced, and Firefox does not load again what has failed once. */
function offerToReload(error: unknown): never {
  if (navigator.onLine) void offerReload();
  throw error;
}

function fail(error: unknown): void {
  warn(error);
  showText(note, FAILED);
}

// The message alone: the error of a response contains the response.
function warn(error: unknown): void {
  console.warn(`sign-in: ${(error as Error).message}`);
}
