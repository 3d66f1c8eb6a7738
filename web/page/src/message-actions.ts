/**
 * Actions on a message: quick reactions, a reply, an edit. One group of buttons serves all messages. It appears
 * beside the one under the pointer, if the page is wide, and at the one whose button was pressed.
 */

import { hasGlyph, type Message } from "chalice-chat-client";
import { byId, isComposing, make } from "./dom.js";
import { bodyIdOf } from "./message-view.js";
import { isEmoji } from "./text.js";

const QUICK = ["👍", "❤️", "😂", "🎉", "😮", "😢"];
/** The server's EDIT_SECONDS. */
const EDIT_MS = Number(document.querySelector<HTMLMetaElement>("meta[name=edit-seconds]")?.content) * 1_000;

export interface ActionHandlers {
  react(sequence: number, reaction: string, remove: boolean): void;
  reply(message: Message): void;
  edit(message: Message): void;
}

const MARGIN_PX = 8;

/** As in the style sheet. */
const wide = matchMedia("(min-width: 48rem)");
const log = byId("log", HTMLElement);
const group = make("div", "message-actions");
const replyButton = button("↩", "Reply", () => act(({ reply }, message) => reply(message)));
const editButton = button("✎", "Edit", () => act(({ edit }, message) => edit(message)));
const otherButton = button("☺", "Another reaction", openField);
const field = make("input", "");
/** The message whose actions are shown, and its entry. */
let subject: { message: Message; entry: HTMLElement } | null = null;
let handlers: ActionHandlers | null = null;
/** Whether nothing can be written any more. */
let hasEnded = false;
let findMessage: (entry: HTMLElement) => Message | undefined = () => undefined;

export function enter(newHandlers: ActionHandlers, find: typeof findMessage): void {
  handlers = newHandlers;
  hasEnded = false;
  findMessage = find;
}

/** Offer no more answers and edits: the visit has ended. */
export function end(): void {
  hasEnded = true;
  hide();
}

export function leave(): void {
  handlers = null;
  hide();
}

/** Hide the actions of a message whose entry is about to be removed. */
export function leaveEntry(entry: Element): void {
  if (subject?.entry === entry) hide();
}

/** Return whether a message can still be edited by the visitor. */
export function isEditable({ isOwn, sentAt }: Message): boolean {
  return isOwn && Date.now() - Date.parse(sentAt) < EDIT_MS;
}

/** Return the button of a message that opens its actions. */
export function actionsButton(sequence: number): HTMLButtonElement {
  const made = make("button", "plain act", "☺");
  made.type = "button";
  made.tabIndex = -1;
  made.title = "React, reply and more";
  made.setAttribute("aria-label", "React or reply");
  made.setAttribute("aria-haspopup", "true");
  made.setAttribute("aria-describedby", bodyIdOf(sequence));
  made.addEventListener("click", () => {
    const entry = made.closest<HTMLElement>("li");
    if (entry) show(entry);
    group.querySelector("button")?.focus();
  });
  return made;
}

function show(entry: HTMLElement): void {
  const message = findMessage(entry);
  if (!handlers || !message || message.isIgnored) {
    hide();
    return;
  }
  if (subject?.entry !== entry) field.hidden = true;
  subject = { message, entry };
  replyButton.hidden = hasEnded;
  editButton.hidden = hasEnded || !isEditable(message);
  for (const quick of group.querySelectorAll<HTMLElement>("[data-reaction]")) {
    const own = message.reactions.find(({ reaction }) => reaction === quick.dataset.reaction)?.isOwn;
    quick.setAttribute("aria-pressed", String(own ?? false));
  }
  group.hidden = false;
  place(entry);
}

/** Place the group inside the log: on the free side of the message, or above it where there is no room. */
function place(entry: HTMLElement): void {
  const body = (entry.querySelector(".body") ?? entry).getBoundingClientRect();
  const view = log.getBoundingClientRect();
  group.style.left = "0"; // near the edge, it would be measured in two lines
  const { offsetWidth: width, offsetHeight: height } = group;
  const isOwn = entry.classList.contains("own");
  const isFree = wide.matches;
  const left = isOwn === isFree ? view.left + MARGIN_PX : view.right - width - MARGIN_PX;
  const top = isFree ? body.top : entry.getBoundingClientRect().top - height;
  group.style.left = `${Math.max(view.left, left)}px`;
  group.style.top = `${Math.max(view.top, Math.min(top, view.bottom - height))}px`;
}

function hide(): void {
  const hadFocus = group.contains(document.activeElement);
  const entry = subject?.entry;
  subject = null;
  group.hidden = true;
  field.hidden = true;
  if (hadFocus) (entry?.querySelector<HTMLElement>(".act") ?? log).focus();
}

function act(action: (handlers: ActionHandlers, message: Message) => void): void {
  const now = subject;
  hide();
  if (handlers && now) action(handlers, findMessage(now.entry) ?? now.message);
}

function react(reaction: string): void {
  act((to, { sequence, reactions }) => {
    const own = reactions.find((one) => one.reaction === reaction)?.isOwn ?? false;
    to.react(sequence, reaction, own);
  });
}

function openField(): void {
  field.hidden = false;
  field.value = "";
  if (subject) place(subject.entry);
  field.focus();
}

/** Return what was entered, if it is a single character as readers see it, or a name such as `:tada:`. */
export function reactionIn(text: string): string | null {
  const reaction = text.trim();
  if (/^:[\w+-]{1,14}:$/.test(reaction)) return reaction;
  // Firefox has it since version 125 of April 2024. The server checks it, too.
  const isOne = !Intl.Segmenter || [...new Intl.Segmenter().segment(reaction)].length === 1;
  return isOne && hasGlyph(reaction) && [...reaction].length <= 16 ? reaction : null;
}

function take(): void {
  const reaction = reactionIn(field.value);
  field.setCustomValidity(reaction === null ? "Enter a single emoji or character." : "");
  if (reaction === null) field.reportValidity();
  else react(reaction);
}

/** Take the text of the field if it is an emoji: nothing follows it. Other reactions need Enter. */
function takeEmoji(): void {
  if (isEmoji(field.value) && reactionIn(field.value)) take();
}

function button(text: string, label: string, press: () => void): HTMLButtonElement {
  const made = make("button", "plain", text);
  made.type = "button";
  made.title = label;
  made.setAttribute("aria-label", label);
  made.addEventListener("click", press);
  return made;
}

group.setAttribute("role", "group");
group.setAttribute("aria-label", "React or reply");
group.hidden = true;
field.setAttribute("aria-label", "An emoji");
field.placeholder = "😀";
field.autocomplete = "off";
field.hidden = true;
field.addEventListener("input", (event) => {
  field.setCustomValidity("");
  // An input method shows one emoji after the other, until one is chosen.
  if (!(event as InputEvent).isComposing) takeEmoji();
});
// Safari reports only afterwards the Enter that has chosen it, which would press the button that gets the focus.
field.addEventListener("compositionend", () => setTimeout(takeEmoji));
field.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !isComposing(event)) take();
});
const quick = QUICK.map((reaction) => {
  const made = button(reaction, `React with ${reaction}`, () => react(reaction));
  made.dataset.reaction = reaction;
  return made;
});
group.append(...quick, otherButton, field, replyButton, editButton);
log.after(group);
group.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !isComposing(event)) hide();
});
group.addEventListener("focusout", ({ relatedTarget }) => {
  if (relatedTarget && !group.contains(relatedTarget as Node)) hide();
});
document.addEventListener("pointerover", ({ target, pointerType }) => {
  if (pointerType !== "mouse" || !wide.matches || group.contains(document.activeElement)) return;
  if (group.contains(target as Node)) return;
  const entry = (target as Element).closest?.<HTMLElement>("#log .message[data-sequence]");
  if (entry) show(entry);
  else hide();
});
document.addEventListener("pointerdown", ({ target }) => {
  if (!group.hidden && !group.contains(target as Node) && !(target as Element).closest?.(".act")) hide();
});
log.addEventListener("scroll", () => {
  if (subject && group.contains(document.activeElement)) place(subject.entry);
  else hide();
});
