/** What the owner of a room may do: a dialogue, opened by a button beside the members. */

import type { ChatError, Hook, RoomSnapshot } from "chalice-chat-client";
import { byId, make, setText, showText } from "./dom.js";
import { sentence } from "./text.js";

const openButton = byId("manage", HTMLButtonElement);
const dialog = byId("owner", HTMLDialogElement);
const closeButton = byId("owner-done", HTMLButtonElement);
const nameForm = byId("rename-room", HTMLFormElement);
const nameField = byId("new-room-name", HTMLInputElement);
const locked = byId("room-locked", HTMLInputElement);
const link = byId("owner-link", HTMLInputElement);
const hookList = byId("hooks", HTMLUListElement);
const hookForm = byId("add-hook", HTMLFormElement);
const hookName = byId("hook-name", HTMLInputElement);
const hookCreated = byId("hook-created", HTMLElement);
const hookUrl = byId("hook-url", HTMLInputElement);
const endButton = byId("close-room", HTMLButtonElement);
const note = byId("owner-note", HTMLElement);
const error = byId("owner-error", HTMLElement);

export interface OwnerHandlers {
  /** The address that gives the owner's rights to whoever opens it. */
  readonly link: string;
  rename(name: string): Promise<void>;
  lock(isLocked: boolean): Promise<void>;
  listHooks(): Promise<readonly Hook[]>;
  /** Resolves to the address of the new webhook. */
  addHook(name: string): Promise<string>;
  deleteHook(hookId: string): Promise<void>;
  close(): Promise<void>;
}

let handlers: OwnerHandlers | null = null;

export function enter(newHandlers: OwnerHandlers): void {
  handlers = newHandlers;
}

export function leave(): void {
  handlers = null;
  openButton.hidden = true;
  dialog.close();
}

/** Show the button to the owner, and the values of the room. */
export function showOwner({ isOwner, isLocked, name, state }: RoomSnapshot): void {
  openButton.hidden = !isOwner;
  locked.checked = isLocked;
  if (document.activeElement !== nameField) nameField.value = name ?? "";
  if (state.status === "closed") dialog.close();
}

/** Do something, and say in the dialogue that it is done, or why not. */
async function attempt(action: Promise<void> | undefined, done: string): Promise<boolean> {
  showText(error, "");
  setText(note, "");
  try {
    await action;
    setText(note, done);
    return true;
  } catch (reason) {
    showText(error, sentence((reason as ChatError).message));
    return false;
  }
}

async function addHook(): Promise<void> {
  if (!handlers) return;
  hookUrl.value = await handlers.addHook(hookName.value.trim());
  hookCreated.hidden = false;
  hookForm.reset();
  hookUrl.focus();
  await showHooks();
}

async function showHooks(): Promise<void> {
  const hooks = (await handlers?.listHooks()) ?? [];
  hookList.replaceChildren(...hooks.map(hookEntry));
}

function hookEntry({ hookId, name }: Hook): HTMLElement {
  const entry = make("li");
  const button = make("button", "remove", "Delete");
  button.type = "button";
  button.setAttribute("aria-label", `Delete webhook ${name}`);
  button.addEventListener("click", async () => {
    if (!confirm(`Delete the webhook ${name}?`)) return;
    const isDone = await attempt(handlers?.deleteHook(hookId), "Deleted.");
    if (!isDone) return;
    entry.remove();
    hookName.focus();
  });
  entry.append(make("bdi", "", name), button);
  return entry;
}

openButton.addEventListener("click", () => {
  link.value = handlers?.link ?? "";
  showText(error, "");
  setText(note, "");
  hookCreated.hidden = true;
  hookList.replaceChildren();
  dialog.showModal();
  void attempt(showHooks(), "");
});
closeButton.addEventListener("click", () => dialog.close());
nameForm.addEventListener("submit", (event) => {
  event.preventDefault();
  void attempt(handlers?.rename(nameField.value.trim()), "Renamed.");
});
locked.addEventListener("change", async () => {
  const isLocked = locked.checked;
  const isDone = await attempt(handlers?.lock(isLocked), isLocked ? "Locked: nobody new can enter." : "Unlocked.");
  if (!isDone) locked.checked = !isLocked;
});
for (const address of [link, hookUrl]) address.addEventListener("focus", () => address.select());
hookForm.addEventListener("submit", (event) => {
  event.preventDefault();
  void attempt(addHook(), "Added.");
});
endButton.addEventListener("click", () => {
  if (confirm("Close this room for everyone? Its messages are gone, too.")) void attempt(handlers?.close(), "Closed.");
});
