/** The view of a room around its log and its composer: DOM elements only. */

import type { CloseReason, Member, PresentMember, RoomSnapshot, RoomState } from "chalice-chat-client";
import { copyText } from "./copy.js";
import { arrange, byId, make, setText, showText } from "./dom.js";
import { personName } from "./person.js";

/** The label of the share button. Narrow screens get the short one: the name of the room needs the space. */
interface ShareLabel {
  readonly wide: string;
  readonly narrow: string;
}

const ASK: ShareLabel = { wide: "Copy invite link", narrow: "Invite" };
const DONE: ShareLabel = { wide: "Invite link copied", narrow: "Link copied" };
const SHARE: ShareLabel = { wide: "Share", narrow: "Share" };
const COPIED_MS = 4_000;
/** A browser may ask where to save a file, and reads it after that. */
const DOWNLOAD_MS = 60_000;
const STATES = {
  connecting: "Connecting…",
  open: "Connected",
  lost: "Connection lost. Trying again…",
  failed: "Not connected yet. Trying again…",
  closed: "Disconnected",
};
/** `expired`: the visitor has to sign in again. */
type Ending = Exclude<CloseReason, "left"> | "expired";

const ENDINGS: Readonly<Record<Ending, { name: string; text: string }>> = {
  private: {
    name: "Private room",
    text: "This room is private: you need its invite link. If yours no longer works, ask for the new one.",
  },
  gone: {
    name: "Room not found",
    text: "This room no longer exists. Rooms close after everyone has left.",
  },
  locked: { name: "Locked room", text: "This room is locked: its owner lets nobody new in." },
  banned: {
    name: "Room closed to you",
    text: "The owner or a moderator has removed you. You can come back in an hour.",
  },
  unauthorized: { name: "Please sign in", text: "Please sign in to enter this room." },
  expired: {
    name: "Please sign in again",
    text: "Your sign-in has expired. Sign in again to go on: what you have written is kept.",
  },
  replaced: {
    name: "Open in many places",
    text: "You have this room open in too many tabs or devices. Close one of them, then reload this page.",
  },
  blocked: { name: "Not available", text: "This chat does not accept connections from your network at present." },
  wrong_url: { name: "Not available", text: "The chat does not respond as expected. Please try again later." },
  closed: { name: "Closed room", text: "The owner has closed this room." },
};

const view = byId("room", HTMLElement);
const heading = byId("room-heading", HTMLElement);
const lock = byId("lock", SVGElement);
const lockedMark = byId("locked-mark", HTMLElement);
const copyButton = byId("copy-link", HTMLButtonElement);
const copyNote = byId("copy-note", HTMLElement);
const linkToCopy = byId("link-to-copy", HTMLElement);
const roomLink = byId("room-link", HTMLInputElement);
const people = byId("people", HTMLDetailsElement);
const memberCount = byId("member-count", HTMLElement);
const lifetime = byId("lifetime", HTMLElement);
const memberList = byId("members", HTMLUListElement);
const saveButton = byId("save", HTMLButtonElement);
const manageButton = byId("manage", HTMLButtonElement);
const connectionState = byId("connection-state", HTMLElement);
const tryNowButton = byId("try-now", HTMLButtonElement);
const messageBox = byId("message", HTMLTextAreaElement);
const you = byId("you", HTMLElement);
const youAre = byId("you-are", HTMLElement);
const youChoose = byId("you-choose", HTMLElement);
const chooseName = byId("choose-name", HTMLButtonElement);
const ending = byId("ending", HTMLElement);
const endingText = byId("ending-text", HTMLElement);
const openAgainPart = byId("open-again-part", HTMLElement);
const openAgainButton = byId("open-again", HTMLButtonElement);
const signInAgain = byId("sign-in-again", HTMLElement);
const wideScreen = matchMedia("(min-width: 48rem)");
const OPENING = heading.textContent ?? "";
const WHO = memberCount.textContent ?? "";
const canShare = typeof navigator.share === "function" && matchMedia("(pointer: coarse)").matches;

export interface RoomHandlers {
  tryNow(): void;
  /** Tell more about a member. */
  showMore(member: Member): void;
  /** Let the owner manage the room. */
  manage(): void;
  openAgain(): Promise<void>;
  /** Return the conversation as text, with the name of the room in its first line. */
  transcript(): Promise<string>;
  /** Show a sentence to the visitor. */
  say(text: string): void;
  /** Offer a new invite link, if this page does not know the one of its room. Returns whether it does that. */
  offerInvite(): boolean;
}

let handlers: RoomHandlers | null = null;
let copyNoteTimer: ReturnType<typeof setTimeout> | undefined;

export function enter(newHandlers: RoomHandlers): void {
  handlers = newHandlers;
  sayCopied(false);
}

export function leave(): void {
  handlers = null;
  entries.clear();
  memberList.replaceChildren();
  setText(heading, OPENING);
  heading.title = "";
  setText(memberCount, WHO);
  ending.hidden = true;
  openAgainPart.hidden = true;
  signInAgain.hidden = true;
  you.hidden = true;
  manageButton.hidden = true;
  view.classList.remove("closed");
  linkToCopy.hidden = true;
  openAgainButton.disabled = saveButton.disabled = false;
}

export function showName(name: string | null, { isPrivate, isLocked }: RoomSnapshot): void {
  if (name !== null) {
    setText(heading, name);
    heading.title = name; // a long name is cut off
  }
  lock.toggleAttribute("hidden", !isPrivate);
  lockedMark.hidden = !isLocked;
}

/** Return whether the room is without a connection, and does not just get its first or another one. */
export function isAway(state: RoomState): boolean {
  return state.status === "lost" || (state.status === "connecting" && state.attempt > 1);
}

export function showState(state: RoomState): void {
  const { status } = state;
  const away = isAway(state);
  setText(connectionState, STATES[away && status === "connecting" ? "failed" : status]);
  view.dataset.state = connectionState.dataset.state = away ? "lost" : status;
  if (!away && document.activeElement === tryNowButton) messageBox.focus(); // the button disappears
  tryNowButton.hidden = !away;
}

/** Show who the visitor is. `chosen` is the name that they have chosen, "" if none, null if they cannot choose now. */
export function showYou(member: Member | null, chosen: string | null): void {
  you.hidden = member === null;
  if (member === null) return;
  youAre.replaceChildren("You are ", make("bdi", "", member.name));
  youChoose.hidden = chosen === null;
  setText(chooseName, chosen ? "change" : "choose a name");
}

/** Show the button that is for the owner. */
export function showManage(isShown: boolean): void {
  manageButton.hidden = !isShown;
}

/** Show when the room would end. Before the server has responded, nobody knows. */
export function showLifetime({ you, keepDays }: RoomSnapshot): void {
  const kept = keepDays === 1 ? "a day" : `${keepDays} days`;
  const text = keepDays
    ? `This room is kept for ${kept} after everyone has left.`
    : "This room ends when everyone has left.";
  showText(lifetime, you ? text : "");
}

/** Show why the visit ended or could not begin: without any message, the reason alone. The room's name may be unknown. */
export function showEnding(reason: Ending, roomName: string | null, isEmpty: boolean): void {
  const { name, text } = ENDINGS[reason];
  ending.hidden = false;
  setText(endingText, text);
  memberList.replaceChildren();
  lifetime.hidden = true;
  setText(memberCount, WHO);
  signInAgain.hidden = reason !== "unauthorized" && reason !== "expired";
  openAgainPart.hidden = reason !== "gone" || roomName === null;
  if (roomName === null) {
    setText(heading, name);
    heading.title = "";
  }
  view.classList.toggle("closed", reason === "private" || reason === "locked" || isEmpty);
}

/** Focus the reason of the end, for a visitor whose dialogue has closed. */
export function focusEnding(): void {
  ending.focus();
}

export function showMembers({ members, memberCount: connections, you: self, ignored }: RoomSnapshot): void {
  // In large rooms only the connections are counted.
  const count = members.length || connections;
  if (count !== null) setText(memberCount, `${count.toLocaleString("en")} here`);
  const sorted = [...members].sort((one, other) => one.name.localeCompare(other.name));
  const hadFocus = memberList.contains(document.activeElement);
  arrange(
    memberList,
    sorted.map((member) => entryOf(member, member.id === self?.id, ignored.includes(member.id))),
  );
  if (hadFocus && !memberList.contains(document.activeElement)) memberCount.focus(); // its member has gone
}

/** The entries by member id, with what each shows. They are changed in place, so that their buttons keep the focus. */
const entries = new Map<string, { readonly entry: HTMLLIElement; shown: string }>();

function entryOf(member: PresentMember, isSelf: boolean, isIgnored: boolean): Element {
  const known = entries.get(member.id) ?? { entry: make("li"), shown: "" };
  const shown = JSON.stringify([member, isSelf, isIgnored]);
  entries.set(member.id, known);
  if (known.shown === shown) return known.entry;
  known.shown = shown;
  const who = make("span");
  who.append(personName(member), isSelf ? " (you)" : "", isIgnored ? " (ignored)" : "");
  const button = known.entry.querySelector("button") ?? (isSelf ? null : moreButton());
  button?.setAttribute("aria-label", `More about ${member.name}`);
  if (button) button.onclick = () => handlers?.showMore(member);
  if (known.entry.firstElementChild === null) known.entry.append(who, ...(button ? [button] : []));
  else known.entry.firstElementChild.replaceWith(who);
  return known.entry;
}

function moreButton(): HTMLButtonElement {
  const button = make("button", "plain more", "⋯");
  button.type = "button";
  return button;
}

async function share(): Promise<void> {
  const visit = handlers;
  if (visit?.offerInvite()) return;
  if (canShare) {
    // Rejects when the visitor closes the dialogue, which is a response, too.
    await navigator.share({ title: heading.textContent ?? "", url: location.href }).catch(() => {});
    return;
  }
  const isCopied = await copyText(location.href);
  if (visit !== handlers) return; // that was the link of another room
  if (isCopied) {
    sayCopied(true);
  } else {
    // Show the link as text; the next click hides it.
    linkToCopy.hidden = !linkToCopy.hidden;
    roomLink.value = location.href;
    roomLink.select();
  }
}

function sayCopied(isCopied: boolean): void {
  const label = isCopied ? DONE : canShare ? SHARE : ASK;
  clearTimeout(copyNoteTimer);
  setText(copyNote, isCopied ? DONE.wide : "");
  copyButton.replaceChildren(make("span", "wide-only", label.wide), make("span", "narrow-only", label.narrow));
  if (isCopied) copyNoteTimer = setTimeout(sayCopied, COPIED_MS, false);
}

async function openAgain(): Promise<void> {
  const visit = handlers;
  openAgainButton.disabled = true;
  const fail = () => visit === handlers && setText(endingText, "A new room could not be opened. Please try again.");
  await visit?.openAgain().catch(fail);
  if (visit === handlers) openAgainButton.disabled = false;
}

/** Save the conversation to a file. */
async function save(): Promise<void> {
  const visit = handlers;
  if (!visit) return;
  saveButton.disabled = true;
  const link = make("a");
  try {
    const text = await visit.transcript();
    if (visit !== handlers) return;
    link.download = `${text.split("\n", 1)}.txt`;
    link.href = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
    setTimeout(URL.revokeObjectURL, DOWNLOAD_MS, link.href);
    link.click();
  } catch {
    if (visit === handlers) visit.say("The conversation could not be saved. Please try again.");
  } finally {
    if (visit === handlers) saveButton.disabled = false;
  }
}

function fitScreen(): void {
  people.open = wideScreen.matches;
}

tryNowButton.addEventListener("click", () => handlers?.tryNow());
openAgainButton.addEventListener("click", openAgain);
copyButton.addEventListener("click", share);
saveButton.addEventListener("click", save);
manageButton.addEventListener("click", () => handlers?.manage());
wideScreen.addEventListener("change", fitScreen);
fitScreen();
