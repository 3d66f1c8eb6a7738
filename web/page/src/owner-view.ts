/** The dialogue in which the owner manages a room. */

import type { Ban, ChatError, Hook, RoomSnapshot } from "chalice-chat-client";
import { ask } from "./ask.js";
import * as cleanup from "./cleanup-view.js";
import { copyOnClick } from "./copy.js";
import { byId, make, setText, showText } from "./dom.js";
import { counted, sentence } from "./text.js";

const dialog = byId("owner", HTMLDialogElement);
const closeButton = byId("owner-done", HTMLButtonElement);
const nameForm = byId("rename-room", HTMLFormElement);
const nameField = byId("new-room-name", HTMLInputElement);
const locked = byId("room-locked", HTMLInputElement);
const keep = byId("keep-room", HTMLSelectElement);
const slow = byId("slow-mode", HTMLSelectElement);
const bansPart = byId("bans-part", HTMLElement);
const bansHeading = byId("bans-heading", HTMLElement);
const banList = byId("bans", HTMLUListElement);
const invitePart = byId("new-invite-part", HTMLElement);
const inviteButton = byId("new-invite", HTMLButtonElement);
const linkPart = byId("owner-link-part", HTMLElement);
const link = byId("owner-link", HTMLInputElement);
const linkCopyButton = byId("copy-owner-link", HTMLButtonElement);
const linkCopied = byId("owner-link-copied", HTMLElement);
const linkButton = byId("new-owner-link", HTMLButtonElement);
const cleanupButton = byId("clean-up", HTMLButtonElement);
const hookList = byId("hooks", HTMLUListElement);
const hookForm = byId("add-hook", HTMLFormElement);
const hookName = byId("hook-name", HTMLInputElement);
const hookCreated = byId("hook-created", HTMLElement);
const hookUrl = byId("hook-url", HTMLInputElement);
const hookCopyButton = byId("copy-hook-url", HTMLButtonElement);
const hookCopied = byId("hook-url-copied", HTMLElement);
const endButton = byId("close-room", HTMLButtonElement);
const note = byId("owner-note", HTMLElement);
const error = byId("owner-error", HTMLElement);

const RENEW_QUESTION =
  "Make a new owner's link? The old one stops working, and the webhooks that were made with it are deleted.";

export interface OwnerHandlers {
  /** Return the address that gives the owner's rights to whoever opens it. Null if the access token gives them. */
  link(): string | null;
  /** Offer a new invite link. */
  offerInvite(): void;
  /** Make a new owner's link. The former one stops working. */
  renewLink(): Promise<void>;
  rename(name: string): Promise<void>;
  lock(isLocked: boolean): Promise<void>;
  keep(days: number): Promise<void>;
  slow(seconds: number): Promise<void>;
  listBans(): Promise<readonly Ban[]>;
  unban(memberId: string): Promise<void>;
  listHooks(): Promise<readonly Hook[]>;
  /** Resolves to the address of the new webhook. */
  addHook(name: string): Promise<string>;
  deleteHook(hookId: string): Promise<void>;
  close(): Promise<void>;
}

let handlers: OwnerHandlers | null = null;
let shown: RoomSnapshot | null = null;
let readings = 0;
let isAdding = false;
let isRenewing = false;

export function enter(newHandlers: OwnerHandlers): void {
  handlers = newHandlers;
}

export function leave(): void {
  handlers = null;
  isAdding = false;
  dialog.close();
}

export function open(): void {
  showLink();
  nameField.value = shown?.name ?? "";
  hookCreated.hidden = true;
  hookList.replaceChildren();
  dialog.showModal();
  void attempt(async (visit) => {
    await Promise.all([showHooks(visit), showBans(visit)]);
  }, "");
}

/** Show the settings of the room. When it has ended, nothing can be done any more. */
export function showOwner(snapshot: RoomSnapshot): void {
  shown = snapshot;
  showSettings(snapshot);
  invitePart.hidden = !snapshot.isPrivate;
  if (snapshot.state.status === "closed") dialog.close();
}

function showSettings({ isLocked, keepDays, slowSeconds }: RoomSnapshot): void {
  locked.checked = isLocked;
  select(keep, keepDays, counted(keepDays, "more day"));
  select(slow, slowSeconds, counted(slowSeconds, "second"));
}

/** Choose an option. If another client has set a value that is not offered here, add it. */
function select(field: HTMLSelectElement, value: number, label: string): void {
  const isOffered = [...field.options].some((option) => option.value === String(value));
  if (!isOffered) field.append(Object.assign(make("option", "", label), { value: String(value) }));
  field.value = String(value);
}

/** Change a setting when its field changes. After a failure, the field shows the setting as it is. */
function onSetting(field: HTMLElement, action: (visit: OwnerHandlers) => Promise<void>, done: () => string): void {
  field.addEventListener("change", async () => {
    const isDone = await attempt(action, done());
    if (!isDone && shown) showSettings(shown);
  });
}

/** Show the owner's link as it is now. */
export function showLink(): void {
  link.value = handlers?.link() ?? "";
  setText(linkCopied, "");
  linkPart.hidden = !link.value;
}

/** Do something, and say in the dialogue that it is done, or why not. After the visit, nothing is said any more. */
async function attempt(action: (visit: OwnerHandlers) => Promise<void>, done: string): Promise<boolean> {
  const visit = handlers;
  if (!visit) return false;
  showText(error, "");
  setText(note, "");
  try {
    await action(visit);
    if (done && visit === handlers) setText(note, done);
    return true;
  } catch (reason) {
    if (visit === handlers) showText(error, sentence((reason as ChatError).message, "Its name"));
    return false;
  }
}

async function addHook(visit: OwnerHandlers): Promise<void> {
  const url = await visit.addHook(hookName.value.trim());
  if (visit !== handlers) return;
  hookUrl.value = url;
  setText(hookCopied, "");
  hookCreated.hidden = false;
  hookForm.reset();
  hookUrl.focus();
  await showHooks(visit);
}

async function renewLink(visit: OwnerHandlers): Promise<void> {
  await visit.renewLink();
  if (visit !== handlers) return;
  hookCreated.hidden = true;
  link.focus();
  await showHooks(visit);
}

async function showHooks(visit: OwnerHandlers): Promise<void> {
  const reading = ++readings;
  const hooks = await visit.listHooks();
  if (visit === handlers && reading === readings) hookList.replaceChildren(...hooks.map(hookEntry));
}

async function showBans(visit: OwnerHandlers): Promise<void> {
  bansPart.hidden = true;
  const bans = await visit.listBans();
  if (visit !== handlers) return;
  banList.replaceChildren(...bans.map(banEntry));
  bansPart.hidden = bans.length === 0;
}

function banEntry({ id, name }: Ban): HTMLElement {
  const entry = make("li");
  const button = make("button", "plain remove", "Let back in");
  button.type = "button";
  button.setAttribute("aria-label", `Let ${name} back in`);
  button.addEventListener("click", async () => {
    button.disabled = true;
    const isDone = await attempt((visit) => unban(visit, id, name), `${name} can come back.`);
    button.disabled = false;
    if (!isDone) return;
    entry.remove();
    bansHeading.focus();
  });
  entry.append(make("bdi", "", name), button);
  return entry;
}

async function unban(visit: OwnerHandlers, id: string, name: string): Promise<void> {
  setText(note, `Letting ${name} back in…`); // it takes some seconds: the server responds only if it refuses it
  await visit.unban(id);
}

function hookEntry({ hookId, name }: Hook): HTMLElement {
  const entry = make("li");
  const button = make("button", "plain remove", "Delete");
  button.type = "button";
  button.setAttribute("aria-label", `Delete webhook ${name}`);
  button.addEventListener("click", async () => {
    if (!(await ask(["Delete the webhook ", make("bdi", "", name), "?"], "Delete"))) return;
    const isDone = await attempt((visit) => visit.deleteHook(hookId), "Deleted.");
    if (!isDone) return;
    entry.remove();
    hookName.focus();
  });
  entry.append(make("bdi", "", name), button);
  return entry;
}

closeButton.addEventListener("click", () => dialog.close());
nameForm.addEventListener("submit", (event) => {
  event.preventDefault();
  void attempt((visit) => visit.rename(nameField.value.trim()), "Renamed.");
});
onSetting(
  locked,
  (visit) => visit.lock(locked.checked),
  () => (locked.checked ? "Locked: nobody new can enter." : "Unlocked."),
);
onSetting(
  keep,
  (visit) => visit.keep(Number(keep.value)),
  () => (keep.value === "0" ? "The room ends when everyone has left." : "The room is kept."),
);
onSetting(
  slow,
  (visit) => visit.slow(Number(slow.value)),
  () => (slow.value === "0" ? "Slow mode is off." : "Slow mode is on."),
);
inviteButton.addEventListener("click", () => {
  dialog.close();
  handlers?.offerInvite();
});
cleanupButton.addEventListener("click", cleanup.open);
linkButton.addEventListener("click", async () => {
  if (isRenewing || !(await ask(RENEW_QUESTION, "Make a new link"))) return;
  isRenewing = true;
  await attempt(renewLink, "This is the new owner's link. The old one no longer works.");
  isRenewing = false;
});
for (const address of [link, hookUrl]) address.addEventListener("focus", () => address.select());
hookForm.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (isAdding) return;
  isAdding = true;
  const visit = handlers;
  await attempt(addHook, "Added.");
  if (visit === handlers) isAdding = false;
});
copyOnClick(linkCopyButton, link, linkCopied);
copyOnClick(hookCopyButton, hookUrl, hookCopied);
endButton.addEventListener("click", async () => {
  if (!(await ask("Close this room for everyone? Its messages are gone, too.", "Close the room"))) return;
  void attempt((visit) => visit.close(), "Closed.");
});
