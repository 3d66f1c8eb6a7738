/** The dialogue about a member: report a message of theirs, ignore them, and what the owner and moderators may do. */

import type { ChatError, Member, Message, PresentMember, RoomSnapshot } from "chalice-chat-client";
import { momentOf } from "./dates.js";
import { byId, setText, showText } from "./dom.js";
import { personName } from "./person.js";
import { sentence } from "./text.js";

const MAX_QUOTE = 200;

const dialog = byId("person", HTMLDialogElement);
const heading = byId("person-heading", HTMLElement);
const quote = byId("person-message", HTMLElement);
const reportForm = byId("report", HTMLFormElement);
const reason = byId("report-reason", HTMLInputElement);
const ignoreButton = byId("person-ignore", HTMLButtonElement);
const mutePart = byId("person-mute", HTMLElement);
const muteState = byId("mute-state", HTMLElement);
const unmuteButton = byId("unmute", HTMLButtonElement);
const rolePart = byId("role-part", HTMLElement);
const roleButton = byId("person-role", HTMLButtonElement);
const removeForm = byId("person-remove", HTMLFormElement);
const withMessages = byId("remove-messages", HTMLInputElement);
const note = byId("person-note", HTMLElement);
const error = byId("person-error", HTMLElement);
const doneButton = byId("person-done", HTMLButtonElement);

export interface PersonHandlers {
  snapshot(): RoomSnapshot;
  report(sequence: number, reason: string): Promise<void>;
  ignore(memberId: string): void;
  unignore(memberId: string): void;
  mute(memberId: string, seconds: number): Promise<void>;
  setRole(memberId: string, role: "moderator" | "member"): Promise<void>;
  remove(memberId: string, deleteMessages: boolean): Promise<void>;
  /** A member was removed, and the dialogue is closed. */
  removed(member: Member): void;
}

let handlers: PersonHandlers | null = null;
/** The member in the dialogue, and the message beside which it was opened. */
let subject: Member | null = null;
let message: Message | null = null;

export function enter(newHandlers: PersonHandlers): void {
  handlers = newHandlers;
}

export function leave(): void {
  handlers = null;
  dialog.close();
}

/** Close the dialogue: the visit has ended, and nothing can be done any more. */
export function end(): void {
  dialog.close();
}

/** Open the dialogue about a member, or about the sender of a message. */
export function open(member: Member, about: Message | null): void {
  subject = member;
  message = about;
  reason.value = "";
  reportForm.hidden = about === null;
  withMessages.checked = false;
  setText(note, "");
  showText(error, "");
  showPerson();
  dialog.showModal();
  heading.focus(); // a field with the focus would open the keyboard of a phone
}

/** Show the member as of the current snapshot. */
export function showPerson(): void {
  const now = handlers?.snapshot();
  if (!now || !subject) return;
  const { id } = subject;
  const member: PresentMember = now.members.find((one) => one.id === id) ?? subject;
  const isIgnored = now.ignored.includes(id);
  // It may have been deleted or edited meanwhile.
  if (message) message = now.messages.find(({ sequence }) => sequence === message?.sequence) ?? null;
  if (!message) reportForm.hidden = true;
  heading.replaceChildren(personName(member));
  showText(quote, message ? [...message.message].slice(0, MAX_QUOTE).join("") : "");
  setText(ignoreButton, isIgnored ? "Ignore no longer" : "Ignore");
  ignoreButton.hidden = id === now.you?.id;
  mutePart.hidden = removeForm.hidden = !mayModerate(now, member);
  unmuteButton.hidden = muteState.hidden = !member.mutedUntil;
  setText(muteState, ...(member.mutedUntil ? ["Muted until ", momentOf(member.mutedUntil), "."] : []));
  rolePart.hidden = !now.isOwner || !mayModerate(now, member);
  setText(roleButton, member.role === "moderator" ? "No longer moderator" : "Make moderator");
}

/** Return whether the visitor may mute and remove a member: the owner everyone else, a moderator the plain members. */
function mayModerate({ isOwner, you }: RoomSnapshot, { id, role, bot }: Member): boolean {
  if (bot || id === you?.id || role === "owner") return false;
  return isOwner || (you?.role === "moderator" && role === undefined);
}

/** Do something, and say in the dialogue that it is done, or why not. After the visit, nothing is said any more. */
async function attempt(
  action: (visit: PersonHandlers, member: Member) => Promise<void>,
  done: string,
): Promise<boolean> {
  const visit = handlers;
  const member = subject;
  if (!visit || !member) return false;
  showText(error, "");
  setText(note, "One moment…");
  try {
    await action(visit, member);
    if (visit !== handlers || member !== subject) return false;
    setText(note, done);
    return true;
  } catch (failure) {
    if (visit === handlers && member === subject) {
      setText(note, "");
      showText(error, sentence((failure as ChatError).message, "The name"));
    }
    return false;
  }
}

reportForm.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { sequence } = message ?? {};
  if (sequence === undefined) return;
  const isDone = await attempt((visit) => visit.report(sequence, reason.value.trim()), "Reported. Thank you.");
  if (!isDone) return;
  heading.focus(); // the form disappears
  reportForm.hidden = true;
});
ignoreButton.addEventListener("click", () => {
  if (!handlers || !subject) return;
  const isIgnored = handlers.snapshot().ignored.includes(subject.id);
  if (isIgnored) handlers.unignore(subject.id);
  else handlers.ignore(subject.id);
  setText(note, isIgnored ? "You see their messages again." : "You no longer see their messages.");
});
for (const button of mutePart.querySelectorAll<HTMLButtonElement>("button[data-seconds]")) {
  const seconds = Number(button.dataset.seconds);
  button.addEventListener("click", async () => {
    const isDone = await attempt(
      (visit, { id }) => visit.mute(id, seconds),
      seconds ? "Muted." : "They may write again.",
    );
    if (isDone && !seconds) heading.focus(); // the button disappears
  });
}
roleButton.addEventListener("click", () => {
  const role = roleButton.textContent === "Make moderator" ? "moderator" : "member";
  void attempt((visit, { id }) => visit.setRole(id, role), "Changed.");
});
removeForm.addEventListener("submit", async (event) => {
  event.preventDefault();
  const deleteMessages = withMessages.checked;
  const member = subject;
  const isDone = await attempt((visit, { id }) => visit.remove(id, deleteMessages), "Removed.");
  if (!isDone || !member) return;
  dialog.close();
  handlers?.removed(member);
});
doneButton.addEventListener("click", () => dialog.close());
