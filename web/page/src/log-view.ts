/** The message log of a room: history (not announced by screen readers), live messages, and the scroll position. */

import type { Message, Report, RoomNotice, RoomSnapshot } from "chalice-chat-client";
import { chooseTabStop, deleteButton, followArrowKeys, moreButton } from "./deletion.js";
import { byId, isInField, make, setText } from "./dom.js";
import { onLateFormatting } from "./formatting.js";
import * as actions from "./message-actions.js";
import { arrangeMessages, foldTall, forgetHeights, ignoredEntry, messageEntry, showContent } from "./message-view.js";
import { noticeEntry, plainNotice, reportEntry } from "./notices.js";
import * as quotes from "./quote-view.js";
import { showReactions } from "./reactions-view.js";
import { counted } from "./text.js";
import { selectedText } from "./transcript.js";

const MAX_ENTRIES = 500;
const PAGE = 50;
const NEAR_END_PX = 48;
/** At most so many older messages are loaded to go to the one that another one answers. */
const MAX_BACK = 500;
/** The server announces members in rooms up to this size: there, quoted messages are read when they are in sight. */
const MAX_SMALL = 100;
/** The space above the line of new messages, where the log stops at it. */
const ABOVE_LINE_PX = 16;
const NOTES = {
  loading: "Loading messages…",
  failed: "Messages could not be loaded. Trying again…",
  ready: "Nothing said yet. What you write reaches everyone who is here.",
};
const OLDER_NOTES = { loading: "Loading…", failed: "Earlier messages could not be loaded.", more: "", none: "" };

const log = byId("log", HTMLElement);
const note = byId("log-note", HTMLElement);
const older = byId("older", HTMLElement);
const olderButton = byId("show-older", HTMLButtonElement);
const olderNote = byId("older-note", HTMLElement);
const history = byId("history", HTMLOListElement);
const live = byId("live", HTMLOListElement);
const toLatest = byId("to-latest", HTMLButtonElement);

/** The entries by sequence, with the message that each shows. */
let shown = new Map<number, { entry: HTMLLIElement; message: Message }>();
let messages: readonly Message[] = [];
let handlers: LogHandlers | null = null;
/** The visitor, whose role decides on the buttons beside the messages. */
let rights: Pick<RoomSnapshot, "isOwner" | "you"> = { isOwner: false, you: null };
let members: RoomSnapshot["members"] = [];
let memberCount = 0;
let olderState: RoomSnapshot["older"] = "none";
/** The size for which the place was restored last. */
let size = "";
let isReady = false;
let isAtEnd = true;
/** The first entry in sight, and how much of it is above the upper edge of the log, from 0 to 1. */
let place: { readonly entry: HTMLElement; readonly above: number } | null = null;
/** Whether nobody has seen what arrives: until then, the log does not scroll past the first new message. */
let isHeld = false;
/** Whether the log has stopped there. */
let isAtLine = false;
let isPrinting = false;
let newBelow = 0;
/** Messages before this sequence are not shown, and those from `liveFrom` on are announced. */
let shownFrom = 0;
let liveFrom = Number.POSITIVE_INFINITY;
/** The first message that arrived while nobody looked, or while there was no connection. */
let newFrom: number | null = null;
const newLine = make("li", "new-line", "New");

export interface LogHandlers {
  loadOlder(): Promise<void>;
  deleteMessage(sequence: number): void;
  /** Tell more about the sender of a message. */
  showMore(message: Message): void;
  unignore(memberId: string): void;
  react(sequence: number, reaction: string, remove: boolean): void;
  reply(message: Message): void;
  edit(message: Message): void;
  loadQuote(sequence: number): void;
  /** The newest message is in sight. */
  reachEnd(): void;
  /** The visitor goes to the newest message, past those that are new. */
  skip(): void;
  /** Show a sentence outside of the log. */
  hint(text: string): void;
}

export function enter(newHandlers: LogHandlers): void {
  leave();
  handlers = newHandlers;
  actions.enter(newHandlers, ({ dataset }) => shown.get(Number(dataset.sequence))?.message);
  quotes.enter({
    showMessage: (sequence) => void showMessage(sequence),
    loadQuote: newHandlers.loadQuote,
    isSmall: () => memberCount <= MAX_SMALL,
  });
}

export function leave(): void {
  shown = new Map();
  messages = [];
  handlers = null;
  actions.leave();
  quotes.enter(null);
  rights = { isOwner: false, you: null };
  olderState = "none";
  isReady = false;
  isAtEnd = true;
  isHeld = false;
  isAtLine = false;
  shownFrom = 0;
  liveFrom = Number.POSITIVE_INFINITY;
  newFrom = null;
  history.replaceChildren();
  live.replaceChildren();
  older.hidden = true;
  setText(note, NOTES.loading);
  note.hidden = false;
  countNewBelow(0);
}

/** Show the messages of a snapshot. */
export function showMessages(snapshot: RoomSnapshot): void {
  messages = snapshot.messages;
  const isSame = snapshot.isOwner === rights.isOwner && snapshot.you?.role === rights.you?.role;
  const named = members === snapshot.members ? null : mentionedNames();
  rights = snapshot;
  members = snapshot.members;
  memberCount = snapshot.memberCount ?? 0;
  if (!isSame) for (const { entry, message } of shown.values()) keepFocus(entry, () => showButtons(entry, message));
  if (snapshot.history === "ready" && !isReady) {
    isReady = true;
    liveFrom = (messages.at(-1)?.sequence ?? 0) + 1;
  }
  setText(note, NOTES[snapshot.history]);
  keepPlace(() => {
    if (named) showMentions(named);
    render();
  });
}

/** Show a sentence between the messages, after those that are there now. Before there are any, it would be pushed down. */
export function addSentence(text: string): void {
  if (isReady) keepPlace(() => live.append(plainNotice(text)));
}

/** Tell the visitor why something was not done, where they can see it. */
export function say(text: string): void {
  if (isAtEnd) addSentence(text);
  else handlers?.hint(text);
}

/** Show what somebody has done. */
export function addNotice(notice: RoomNotice): void {
  if (isReady) keepPlace(() => live.append(noticeEntry(notice, live.lastElementChild, rights.you?.id)));
}

/** Show that somebody has reported a message. */
export function addReport(report: Report): void {
  const author = messages.find(({ sequence }) => sequence === report.target)?.sender;
  keepPlace(() => live.append(reportEntry(report, author, () => void showMessage(report.target))));
}

/** Scroll to a message and focus it. Older messages are loaded, up to a number. */
export async function showMessage(target: number): Promise<void> {
  const visit = handlers;
  const focused = document.activeElement;
  const isBefore = () => /more|loading/.test(olderState) && (messages[0]?.sequence ?? 0) > target;
  for (const end = messages.length + MAX_BACK; isBefore() && messages.length < end; ) {
    await visit?.loadOlder();
    if (visit !== handlers || olderState === "failed") return;
    if (document.activeElement !== focused && isInField()) return; // the visitor has begun to write
  }
  if (isBefore()) {
    say("That message is too far back. Scroll up to it.");
    return;
  }
  if (target < shownFrom) {
    shownFrom = target;
    keepPlace(render);
  }
  let entry = shown.get(target)?.entry;
  // Of several ignored messages in a row, the first one stands for all.
  while (entry?.hidden) entry = entry.previousElementSibling as HTMLLIElement;
  if (!entry) {
    say("That message is no longer there.");
    return;
  }
  entry.tabIndex = -1;
  entry.scrollIntoView({ block: "center" });
  entry.focus({ preventScroll: true });
}

/** Show whether there are older messages. */
export function showOlder(state: RoomSnapshot["older"]): void {
  const hadFocus = document.activeElement === olderButton;
  olderState = state;
  keepPlace(() => showOlderState());
  if (older.hidden && hadFocus) log.focus();
  readOlderNearTop();
}

/** The visit has ended: what is not there yet does not come any more. */
export function end(): void {
  actions.end();
  setText(note, "");
  olderState = "none";
  showOlderState();
}

/** Draw a line before this message: it and those after it are new to the reader. Null removes the line. */
export function markNewFrom(sequence: number | null): void {
  newFrom = sequence;
  keepPlace(() => {});
}

/** If nobody has scrolled on from the line of new messages, go where that will be, or to the end without one. */
export function forgetLine(): void {
  if (newLine.isConnected && Math.abs(log.scrollTop - newLine.offsetTop + ABOVE_LINE_PX) <= 1) isAtEnd = true;
}

/** Stop at the first new message as long as nobody looks, or go on from there. */
export function hold(shouldHold: boolean): void {
  isHeld = shouldHold;
  if (!isHeld) leaveLine();
  noteEnd();
}

export function goToEnd(): void {
  isAtEnd = true;
  isHeld = false;
  stayAtEnd();
  handlers?.skip();
}

/** Scroll by a share of the visible height: -0.9 is a page up. */
export function scrollByPages(pages: number): void {
  log.scrollBy({ top: pages * log.clientHeight });
}

/** Change the log without moving the visible entries. At the end, keep the newest entry visible. */
export function keepPlace(change: () => void): void {
  // Use the lower edge: the change may add or remove a day or a name above the entry.
  const inSight = isAtEnd ? [] : entriesInSight().map((entry) => ({ entry, bottom: bottomOf(entry) }));
  change();
  if (isAtEnd && !isPrinting) dropOldest();
  placeNewLine();
  arrangeMessages(entries());
  foldTall(log, onScroll);
  chooseTabStop(log);
  const anchor = inSight.find(({ entry }) => entry.isConnected); // the change may have removed the first ones
  if (anchor) log.scrollTop += bottomOf(anchor.entry) - anchor.bottom;
  stayAtEnd();
  notePlace();
  note.hidden = isReady && !isEmpty();
  noteEnd();
}

export function isEmpty(): boolean {
  return log.querySelector("li") === null;
}

function render(): void {
  const now = new Map<number, { entry: HTMLLIElement; message: Message }>();
  let added = 0;
  // From the newest to the oldest: each entry is inserted before the one after it.
  let next: HTMLLIElement | null = null;
  for (const message of [...messages].reverse()) {
    if (message.sequence < shownFrom) break;
    const known = shown.get(message.sequence);
    if (known?.message === message) {
      next = known.entry;
      now.set(message.sequence, known);
      continue;
    }
    if (known && keepsEntry(known.message, message)) {
      update(known.entry, known.message, message);
      next = known.entry;
      now.set(message.sequence, { entry: known.entry, message });
      continue;
    }
    const entry = message.isIgnored
      ? ignoredEntry(message, (memberId) => handlers?.unignore(memberId))
      : messageEntry(message, mentionedName);
    showButtons(entry, message);
    if (!message.isIgnored) showReactions(entry, message, reactionHandlers);
    if (known) replaceEntry(known.entry, entry);
    else if (next) next.before(entry);
    else listOf(message).append(entry);
    if (!known && !message.isOwn && !message.isIgnored && message.sequence >= liveFrom) added += 1;
    next = entry;
    now.set(message.sequence, { entry, message });
  }
  for (const [sequence, { entry }] of shown) if (!now.has(sequence)) removeEntry(entry);
  shown = now;
  if (!isAtEnd) countNewBelow(newBelow + added);
}

/** Return whether only the text, the quote or the reactions have changed: then the entry stays, and is not announced again. */
function keepsEntry(before: Message, now: Message): boolean {
  return before.isOwn === now.isOwn && !before.isIgnored && !now.isIgnored && before.sender.id === now.sender.id;
}

function update(entry: HTMLElement, before: Message, now: Message): void {
  if (
    before.message !== now.message ||
    before.editedAt !== now.editedAt ||
    before.quote !== now.quote ||
    before.isMention !== now.isMention
  ) {
    showText(entry, now);
  }
  showReactions(entry, now, reactionHandlers);
}

function showText(entry: HTMLElement, message: Message): void {
  keepFocus(entry, () => {
    showContent(entry, message, mentionedName);
    showButtons(entry, message);
  });
}

/** Change an entry. The button that takes the place of the focused one gets the focus. */
function keepFocus(entry: Element, change: () => void): void {
  const focused = entry.contains(document.activeElement) ? document.activeElement : null;
  change();
  if (!focused || entry.contains(document.activeElement)) return;
  const kind = [...focused.classList].at(-1); // a link has none
  ((kind && entry.querySelector<HTMLElement>(`.${kind}`)) || log).focus({ preventScroll: true });
}

const reactionHandlers = {
  react: (sequence: number, reaction: string, remove: boolean) => handlers?.react(sequence, reaction, remove),
  nameOf,
};

/** Return the name of a member who is mentioned, "" if it is not known. */
export function mentionedName(memberId: string): string {
  return (memberId === rights.you?.id ? rights.you?.name : nameOf(memberId)) ?? "";
}

/** The names of those who are mentioned may be known only now. Who leaves or is renamed stays marked. */
function showMentions(before: ReadonlyMap<string, string>): void {
  const now = mentionedNames();
  const isNew = (memberId: string) => now.get(memberId) && !before.get(memberId);
  for (const { entry, message } of shown.values())
    if (!message.isIgnored && message.mentions.some(isNew)) showText(entry, message);
}

/** Return the names of all who are mentioned, by member id. */
function mentionedNames(): Map<string, string> {
  const ids = [...shown.values()].flatMap(({ message }) => message.mentions);
  return new Map(ids.map((id) => [id, mentionedName(id)]));
}

/** Return the name of another member: that of today, or of who has left that of the last message. */
function nameOf(memberId: string): string | undefined {
  if (memberId === rights.you?.id) return undefined;
  const known = members.find(({ id }) => id === memberId) ?? messages.findLast(isBy(memberId))?.sender;
  return known?.name;
}

function isBy(memberId: string): (message: Message) => boolean {
  return ({ sender, isOwn }) => sender.id === memberId && !isOwn;
}

function showButtons(entry: Element, message: Message): void {
  const line = entry.querySelector(".line");
  for (const button of entry.querySelectorAll(".delete, .more, .act")) button.remove();
  if (!line) return;
  const { sequence, isOwn, sender } = message;
  const mayDelete = isOwn || rights.isOwner || (rights.you?.role === "moderator" && !sender.role);
  line.append(actions.actionsButton(sequence));
  if (mayDelete) line.append(deleteButton(sequence, () => handlers?.deleteMessage(sequence)));
  if (!isOwn) line.append(moreButton(sequence, () => handlers?.showMore(message)));
}

function removeEntry(entry: Element): void {
  leaveEntry(entry);
  entry.remove();
}

function replaceEntry(entry: Element, other: Element): void {
  leaveEntry(entry);
  entry.replaceWith(other);
}

function leaveEntry(entry: Element): void {
  actions.leaveEntry(entry);
  if (entry.contains(document.activeElement)) log.focus();
}

function listOf({ sequence }: Message): HTMLOListElement {
  return sequence >= liveFrom ? live : history;
}

function placeNewLine(): void {
  const [first] = newMessages();
  const entry = first && shown.get(first.sequence)?.entry;
  if (!entry) newLine.remove();
  else if (entry.previousElementSibling !== newLine) entry.before(newLine);
}

/** Return the new messages of others that are shown. The very first may be deleted. */
function newMessages(): readonly Message[] {
  const from = Math.max(newFrom ?? Number.POSITIVE_INFINITY, shownFrom);
  return messages.filter(({ sequence, isOwn, isIgnored }) => sequence >= from && !isOwn && !isIgnored);
}

// The pending messages are left out: they disappear when they are confirmed, so they cannot be an anchor.
function entries(): HTMLElement[] {
  return [...history.children, ...live.children] as HTMLElement[];
}

function entriesInSight(): HTMLElement[] {
  const { top, bottom } = log.getBoundingClientRect();
  return entries().filter(
    (entry) => !entry.hidden && bottomOf(entry) > top && entry.getBoundingClientRect().top < bottom,
  );
}

function bottomOf(entry: Element): number {
  return entry.getBoundingClientRect().bottom;
}

function dropOldest(): void {
  const dropped = entries().slice(0, -MAX_ENTRIES);
  for (const entry of dropped) {
    const sequence = Number(entry.dataset.sequence);
    entry.remove();
    if (!sequence) continue;
    shown.delete(sequence);
    shownFrom = sequence + 1;
  }
  if (dropped.length) showOlderState();
}

function hasHidden(): boolean {
  return (messages[0]?.sequence ?? shownFrom) < shownFrom;
}

function showOlderState(): void {
  older.hidden = olderState === "none" && !hasHidden();
  setText(olderNote, hasHidden() ? "" : OLDER_NOTES[olderState]);
}

function showOlderMessages(): void {
  if (!hasHidden()) {
    void handlers?.loadOlder();
    return;
  }
  const hidden = messages.filter(({ sequence }) => sequence < shownFrom);
  shownFrom = hidden.at(-PAGE)?.sequence ?? 0;
  keepPlace(() => {
    render();
    showOlderState();
  });
}

function countNewBelow(count: number): void {
  newBelow = count;
  toLatest.hidden = isAtEnd && !isAtLine;
  setText(toLatest, count ? counted(count, "new message") : "Jump to latest");
}

function stayAtEnd(): void {
  if (!isAtEnd) return;
  const end = log.scrollHeight - log.clientHeight;
  const line = newLine.offsetTop - ABOVE_LINE_PX;
  isAtLine = isHeld && newLine.isConnected && line < end - NEAR_END_PX;
  log.scrollTop = isAtLine ? line : end;
  countNewBelow(isAtLine ? newMessages().length : 0);
}

/** Somebody reads the new messages from the first one on. */
function leaveLine(): void {
  if (!isAtLine) return;
  isAtLine = false;
  isAtEnd = false;
  notePlace();
  countNewBelow(newMessages().length);
}

function notePlace(): void {
  const [entry] = isAtEnd ? [] : entriesInSight();
  const box = entry?.getBoundingClientRect();
  place = entry && box ? { entry, above: (log.getBoundingClientRect().top - box.top) / (box.height || 1) } : null;
}

/** Show the same messages as before the log or its text has another size: at the end the last ones, elsewhere the first one. */
function restorePlace(): void {
  if (size !== sizeOf(log)) forgetHeights();
  size = sizeOf(log);
  foldTall(log, onScroll);
  stayAtEnd();
  if (!place?.entry.isConnected) return;
  const { top, height } = place.entry.getBoundingClientRect();
  log.scrollTop += top + place.above * height - log.getBoundingClientRect().top;
}

function sizeOf({ clientWidth, clientHeight }: Element): string {
  return `${clientWidth} ${clientHeight}`;
}

function onScroll(): void {
  if (size !== sizeOf(log)) return; // the visitor has not scrolled: `restorePlace` comes next
  isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < NEAR_END_PX;
  if (isAtLine && isAtEnd) goToEnd();
  else leaveLine();
  notePlace();
  countNewBelow(isAtEnd ? 0 : newBelow);
  noteEnd();
  readOlderNearTop();
}

function noteEnd(): void {
  if (isReady && isAtEnd && !isAtLine) handlers?.reachEnd();
}

// After a failure only the button retries; otherwise each scroll event would send a request.
function readOlderNearTop(): void {
  if (older.hidden || !(olderState === "more" || hasHidden())) return;
  if (log.scrollTop < log.clientHeight) showOlderMessages();
}

onLateFormatting(keepPlace);
followArrowKeys(log);
log.addEventListener("scroll", onScroll);
log.addEventListener("copy", (event) => {
  const text = selectedText(log, ({ dataset }) => shown.get(Number(dataset.sequence))?.message);
  if (text === null) return;
  event.preventDefault();
  event.clipboardData?.setData("text/plain", text);
});
window.addEventListener("beforeprint", () => {
  // The oldest of many messages are not in the page.
  isPrinting = true;
  shownFrom = 0;
  keepPlace(render);
});
window.addEventListener("afterprint", () => {
  isPrinting = false;
});
olderButton.addEventListener("click", showOlderMessages);
toLatest.addEventListener("click", () => {
  goToEnd();
  log.focus(); // the button disappears
});
// Without a scroll event: an on-screen keyboard, a turned phone, a larger text.
const resizes = new ResizeObserver(restorePlace);
for (const part of [log, history, live]) resizes.observe(part);
