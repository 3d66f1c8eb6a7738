/** Entry point: hash routing, and the visitor's name. visit.ts, the room, is loaded when the first room is opened. */

import { ChatClient, cleanName } from "chalice-chat-client";
import { ask, cancelQuestion, offerReload } from "./ask.js";
import { byId, hasFiles, isComposing, limitLengths } from "./dom.js";
import { makeLobby } from "./lobby.js";
import { addressOf, type RoomAddress, roomIn } from "./route.js";
import * as signIn from "./sign-in.js";
import { loadName, loadWaiting, saveName, watchName } from "./store.js";
import { counted } from "./text.js";
import { followViewport } from "./viewport.js";
import type { Visit } from "./visit.js";

type Rooms = typeof import("./visit.js");

const OFFLINE = "The room could not be loaded: there is no connection.";
/** When loading a room takes longer, the page says so. */
const SLOW_MS = 3_000;

const nameField = byId("your-name", HTMLInputElement);
const chooseName = byId("choose-name", HTMLButtonElement);
const messageField = byId("message", HTMLTextAreaElement);
const lobbyView = byId("lobby", HTMLElement);
const roomView = byId("room", HTMLElement);
const stillLoading = byId("still-loading", HTMLElement);
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
/** The number of changes of the address that were followed: a later one ends an earlier one. */
let followings = 0;
/** Null until the first room is opened. */
let rooms: Rooms | null = null;

// Not at the top level: the files that are loaded later import this one, and would wait for it.
async function start(): Promise<void> {
  const loading = loadRooms();
  await signIn.enter({ here: destination, leave });
  lobby.showSignIn(signIn.isMissing());
  window.addEventListener("hashchange", () => void followAddress()); // also away from a room that is still loading
  // If it has failed, the page goes on to say that it is still loading.
  if ((await loading) && followings === 0) await followAddress();
}

/** Load what a room needs if the address is that of a room. Returns whether it is there. */
async function loadRooms(): Promise<boolean> {
  try {
    if (roomIn(location.hash)) rooms ??= await import("./visit.js");
    return true;
  } catch (error) {
    console.warn(`room: ${(error as Error).message}`);
    return false;
  }
}

async function followAddress(): Promise<void> {
  if (document.body.inert) return; // signing out
  const following = ++followings;
  cancelQuestion(); // about the address before
  const slow = setTimeout(() => {
    stillLoading.hidden = !roomIn(location.hash);
  }, SLOW_MS);
  const isLoaded = await loadRooms();
  clearTimeout(slow);
  if (following !== followings) return; // the visitor has gone elsewhere meanwhile
  stillLoading.hidden = true;
  stillLoading.style.animation = "none"; // from now on, it is shown in time
  if (!isLoaded) {
    if (navigator.onLine) await offerReload();
    else if (await ask(OFFLINE, "Try again")) return followAddress();
    if (following !== followings) return;
    history.replaceState(null, "", here);
  }
  const room = roomIn(location.hash);
  if (room && !rooms) return; // the address has just changed: the next call follows it
  const address = publicAddressOf(room);
  here = destination();
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
    visit: room && rooms ? enterRoom(rooms, room) : null,
  };
  if (!room) lobby.enter(cameBack);
  mentionWaiting(address);
}

/** Return the address that the page shows or is about to show, with the owner's token. */
function destination(): string {
  const room = roomIn(location.hash);
  if (!room?.owner && current?.address === publicAddressOf(room)) return here;
  return room ? addressOf(room) : "#/";
}

function publicAddressOf(room: RoomAddress | null): string {
  return room ? addressOf({ ...room, owner: undefined }) : "#/";
}

function enterRoom(rooms: Rooms, room: RoomAddress): Visit {
  let latest = room;
  return rooms.visitRoom(client, room, signIn.isSignedIn() ? null : cleanName(nameField.value), {
    moved: (moved) => {
      const address = addressOf({ ...moved, owner: undefined });
      latest = moved;
      here = addressOf(moved);
      history.replaceState(null, "", address);
      if (current) current = { ...current, address };
    },
    restart: () => {
      leave();
      if (current) current = { ...current, visit: enterRoom(rooms, latest) };
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

/** A browser would leave the page for a file that is dropped. */
function keepFilesOut(): void {
  for (const type of ["dragover", "drop"] as const) {
    document.addEventListener(type, (event) => {
      if (hasFiles(event)) event.preventDefault();
    });
  }
}

limitLengths();
followViewport();
keepFilesOut();
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
