/** Entry point: hash routing, and the visitor's name. */

import { ChatClient, cleanName } from "chalice-chat-client";
import { byId, isComposing, limitLengths } from "./dom.js";
import { makeLobby } from "./lobby.js";
import { addressOf, type RoomAddress, roomIn } from "./route.js";
import * as signIn from "./sign-in.js";
import { loadName, loadWaiting, saveName, watchName } from "./store.js";
import { counted } from "./text.js";
import "./transfer.js";
import { followViewport } from "./viewport.js";
import { type Visit, visitRoom } from "./visit.js";

const nameField = byId("your-name", HTMLInputElement);
const chooseName = byId("choose-name", HTMLButtonElement);
const messageField = byId("message", HTMLTextAreaElement);
const lobbyView = byId("lobby", HTMLElement);
const roomView = byId("room", HTMLElement);
const waiting = byId("waiting", HTMLElement);
const waitingText = byId("waiting-text", HTMLElement);
const waitingLink = byId("waiting-link", HTMLAnchorElement);
const webSocketUrl = document.querySelector<HTMLMetaElement>("meta[name=websocket-url]")?.content;

// The page is served by the REST API itself, under any stage path.
const client = new ChatClient({
  url: new URL(".", location.href),
  webSocketUrl,
  getToken: signIn.getToken,
  user: signIn.subject,
});
const lobby = makeLobby(client);

let current: { readonly address: string; readonly visit: Visit | null } | null = null;
/** The address of this room, or of the list, with the owner's token. */
let here = "#/";

// Not at the top level: the files that are loaded later import this one, and would wait for it.
async function start(): Promise<void> {
  await signIn.enter({ here: () => here, leave });
  lobby.showSignIn(signIn.isMissing());
  window.addEventListener("hashchange", followAddress);
  byId("still-loading", HTMLElement).remove();
  followAddress();
}

function followAddress(): void {
  const room = roomIn(location.hash);
  const address = room ? addressOf({ ...room, owner: undefined }) : "#/";
  if (room?.owner || current?.address !== address) here = room ? addressOf(room) : "#/";
  // Nobody is to share the owner's token with the address.
  if (room?.owner) history.replaceState(null, "", address);
  else if (current?.address === address) return;
  const cameBack = current !== null;
  leave();
  document.body.dataset.view = room ? "room" : "lobby";
  document.body.classList.remove("naming");
  lobbyView.hidden = room !== null;
  roomView.hidden = room === null;
  current = {
    address,
    visit: room ? enterRoom(room) : null,
  };
  if (!room) lobby.enter(cameBack);
  mentionWaiting(address);
}

function enterRoom(room: RoomAddress): Visit {
  let latest = room;
  return visitRoom(client, room, signIn.isSignedIn() ? null : cleanName(nameField.value), {
    moved: (moved) => {
      const address = addressOf({ ...moved, owner: undefined });
      latest = moved;
      here = addressOf(moved);
      history.replaceState(null, "", address);
      if (current) current = { ...current, address };
    },
    restart: () => {
      leave();
      if (current) current = { ...current, visit: enterRoom(latest) };
    },
  });
}

function leave(): void {
  if (current) (current.visit ?? lobby).leave();
}

/** Mention a message that waits in another room, because it is sent only there. */
function mentionWaiting(here: string): void {
  const other = Object.values(loadWaiting()).find(({ address }) => address !== here);
  waiting.hidden = !other;
  if (!other) return;
  waitingText.textContent = `${counted(other.count, "message")} to ${other.name} not sent yet.`;
  waitingLink.href = other.address;
}

function takeName(): void {
  nameField.value = cleanName(nameField.value);
  document.body.classList.remove("naming");
  saveName(nameField.value);
  current?.visit?.rename(nameField.value);
}

limitLengths();
followViewport();
nameField.value = loadName();
watchName((name) => {
  nameField.value = name;
  // Without it, a tab that has no connection would connect under the former name, and rename the other tabs back.
  current?.visit?.rename(cleanName(name));
});
nameField.addEventListener("blur", takeName);
nameField.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || isComposing(event)) return;
  nameField.blur();
  if (current?.visit) messageField.focus();
});
chooseName.addEventListener("click", () => {
  document.body.classList.add("naming");
  nameField.focus();
  nameField.select();
});
void start();
