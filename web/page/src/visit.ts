/** Controller of a visit to one room: passes its snapshots to the views, and what the visitor does to the room. */

import {
  type ChatClient,
  type ChatError,
  hasGlyph,
  type Member,
  type Message,
  type RoomSnapshot,
  type RoomTokens,
  type SendOptions,
} from "chalice-chat-client";
import { cancelQuestion, offerReload } from "./ask.js";
import * as composer from "./composer.js";
import * as log from "./log-view.js";
import * as mentions from "./mention-view.js";
import { isEditable } from "./message-actions.js";
import * as newRoom from "./new-room-view.js";
import { notify, withdraw, withdrawOthers } from "./notify.js";
import { showPending } from "./pending-view.js";
import { showColours } from "./person.js";
import * as view from "./room-view.js";
import { addressOf, type RoomAddress, urlOf } from "./route.js";
import { isSignedIn } from "./sign-in.js";
import {
  endVisited,
  loadOwner,
  loadRead,
  loadRoomName,
  saveCreated,
  saveOwner,
  saveRead,
  saveRoomName,
  saveVisited,
} from "./store.js";
import { sentence } from "./text.js";
import { clearTitle, countUnread, noteArrival, showTitle } from "./title.js";
import { transcript } from "./transcript.js";
import "./transfer.js";
import { showTyping } from "./typing-view.js";
import {
  loadIgnored,
  loadOffered,
  loadRenewal,
  saveDraft,
  saveIgnored,
  saveOffered,
  saveRenewal,
  saveWaiting,
  watchIgnored,
  watchRead,
} from "./visit-store.js";

type Dialogues = typeof import("./dialogues.js");

const NEEDS_CONNECTION = "This needs a connection to the chat. Please try again later.";

/** After these errors, the server may have renewed a token all the same. */
const UNKNOWN_OUTCOMES = ["closed", "offline", "unconfirmed"];
/** Within this time after a reconnect, the messages that were missed have been read. */
const MISSED_MS = 5_000;

/** At most about so many messages are read to find the first unread one. */
const MAX_UNREAD = 500;

/** At most about so many messages are saved. */
const MAX_SAVED = 2_000;

/** The newest reports of earlier are shown. */
const MAX_REPORTS = 10;

/** Null until the first one is opened. */
let dialogues: Dialogues | null = null;

export interface Visit {
  rename(name: string): void;
  leave(): void;
}

export interface VisitHandlers {
  /** The room has another address: its tokens are new. */
  moved(address: RoomAddress): void;
  /** Visit the room again: another owner's token is known. */
  restart(): void;
}

/** Visit a room. `visitorName` is null for a user who has signed in: the name is that of the token. */
export function visitRoom(
  client: ChatClient,
  { owner: linked, ...address }: RoomAddress,
  visitorName: string | null,
  handlers: VisitHandlers,
): Visit {
  const { roomId } = address;
  const offered = linked ?? loadOffered(roomId);
  saveOffered(roomId, offered);
  // A room has one owner's token. That of a link may be wrong: it must not replace the right one.
  let owner = loadOwner(roomId) ?? offered;
  const room = client.join(roomId, {
    name: visitorName ?? "",
    token: address.token,
    owner,
    ignored: loadIgnored(roomId),
  });
  let name = loadRoomName(roomId);
  let shown: RoomSnapshot | null = null;
  /** The visitor has read up to this sequence, here or elsewhere. Null on the first visit. */
  let readUpTo = loadRead(roomId);
  /** Whether this page moves the position on, not the server. */
  let isMarking = false;
  // After a reload, the messages from before it are there at once, and those that were missed follow.
  let awayAfter = room.getSnapshot().history === "ready" ? readUpTo : null;
  let newFrom: number | null = null;
  let isStarted = false;
  let backTimer: ReturnType<typeof setTimeout> | undefined;

  function show(): void {
    const now = room.getSnapshot();
    const before = shown;
    shown = now;
    const changed = (...parts: (keyof RoomSnapshot)[]) => !before || parts.some((part) => now[part] !== before[part]);
    if (changed("isOwner") && now.isOwner && owner) saveOwner(roomId, owner);
    if (changed("you") && now.you) saveOffered(roomId);
    if (changed("name", "isPrivate", "isLocked")) showName(now);
    if (changed("name", "isPrivate", "you")) remember();
    if (changed("members", "messages", "you")) showColours(peopleIn(now));
    if (changed("readSequence") && now.readSequence !== null && !isMarking) takeReadElsewhere();
    if (!isStarted && now.history === "ready") void startAtUnread();
    const isShown = isStarted || now.history !== "ready";
    if (isShown && changed("messages", "history", "isOwner", "you", "members")) log.showMessages(now);
    // What was read elsewhere is known, too. After a reload, the missed messages follow.
    if (now.you && before?.you === null && awayAfter === null && !isReadingUnread) noteBack();
    if (changed("messages", "you")) noteOwn(now);
    if (changed("messages")) {
      showUnread();
      composer.showMessages(now.messages);
      dialogues?.cleanup.showMessages(now);
    }
    if (changed("you", "keepDays")) view.showLifetime(now);
    if (changed("isOwner", "isLocked", "keepDays", "slowSeconds", "name", "state")) showOwner(now);
    if (isShown && changed("older", "history")) log.showOlder(now.older);
    if (changed("members", "memberCount", "you", "ignored")) view.showMembers(now);
    if (changed("messages", "members", "you", "isOwner", "ignored")) dialogues?.personView.showPerson();
    if (before && changed("ignored")) saveIgnored(roomId, now.ignored);
    if (changed("you")) {
      view.showYou(now.you, now.you?.mutedUntil ? null : currentName);
      composer.showMuted(now.you?.mutedUntil);
    }
    if (changed("pending", "slowSeconds")) {
      showPending(now, room);
      saveWaiting(roomId, { address: addressOf(address), name: name ?? "a room", count: now.pending.length });
    }
    if (changed("typing")) showTyping(now.typing);
    if (changed("state")) showState(now, before);
    if (changed("state", "history", "you", "isOwner")) void showReports(now);
    if (changed("you", "isOwner") && now.you && !now.isOwner) tryOtherOwner();
  }

  /** Read older messages while the first one is not old enough, and there are less than a number of them. */
  async function readOlder(limit: number, isTooNew: (first: number) => boolean): Promise<void> {
    let count = -1;
    const isWorthReading = ({ older, messages: [first], messages: { length } }: RoomSnapshot) =>
      /more|loading/.test(older) && length > count && length < limit && isTooNew(first?.sequence ?? 0);
    while (!hasLeft && isWorthReading(room.getSnapshot())) {
      count = room.messages.length;
      await room.loadOlder();
    }
  }

  /** Return the conversation as text, with what the server still keeps of it. */
  async function makeTranscript(): Promise<string> {
    await readOlder(MAX_SAVED, () => true);
    const { messages, older } = room.getSnapshot();
    return transcript(name ?? "Conversation", messages, older === "none");
  }

  /** Show the messages from the first unread one on: it is read from the server, unless there are too many. */
  async function startAtUnread(): Promise<void> {
    if (isReadingUnread) return;
    isReadingUnread = true;
    await readOlder(MAX_UNREAD, (first) => readUpTo !== null && first > readUpTo + 1);
    if (hasLeft) return;
    const now = room.getSnapshot();
    isStarted = true;
    const read = readUpTo;
    const isNew = ({ sequence, isOwn, isIgnored }: Message) => !isOwn && !isIgnored && sequence > (read ?? sequence);
    if (read !== null) newFrom = now.messages.find(isNew)?.sequence ?? null;
    log.forgetLine();
    log.hold(true);
    log.markNewFrom(newFrom);
    log.showMessages(now);
    log.showOlder(now.older);
    isReadingUnread = false;
    noteBack();
  }

  /**
   * The newest message is in sight. Until the server has told what was read elsewhere, that would be overwritten. What arrives
   * after a loss of the connection is new until the line is drawn.
   */
  function noteRead(): void {
    if (document.hidden || isReadingUnread || awayAfter !== null || room.getSnapshot().you === null) return;
    markRead();
  }

  /** Mark the visitor's own messages read, also in a hidden tab, unless an unread message of somebody else comes before them. */
  function noteOwn({ messages, you }: RoomSnapshot): void {
    if (you === null || !isStarted || isReadingUnread || readUpTo === null) return;
    const read = readUpTo;
    const last = messages.findLast(({ sequence, isOwn, isIgnored }) => sequence <= read || !(isOwn || isIgnored));
    if ((last?.sequence ?? 0) <= read) markRead();
  }

  function markRead(): void {
    isMarking = true;
    room.markRead();
    isMarking = false;
    advanceRead();
  }

  /** Return whether the position has moved on. */
  function advanceRead(sequence = room.getSnapshot().readSequence ?? 0): boolean {
    if (sequence <= (readUpTo ?? -1)) return false;
    readUpTo = sequence;
    saveRead(roomId, sequence);
    showUnread();
    return true;
  }

  /** The visitor has read more on another device: the line is moved, if it is drawn already. */
  function takeReadElsewhere(sequence?: number): void {
    if (advanceRead(sequence) && isStarted) void startAtUnread();
  }

  function showUnread(): void {
    withdrawOthers(countUnread(room.messages, readUpTo ?? 0));
  }

  /** Remember the visit, as long as the server admits the visitor. */
  function remember(): void {
    const { you, isPrivate, state } = room.getSnapshot();
    if (you === null || name === null || state.status === "closed") return;
    saveVisited({ roomId, name, token: address.token, isPrivate, isOver: false, visitedAt: Date.now() });
  }

  /** The owner's token of this visit gives no rights. Use that of the link or of another tab, if it is another one. */
  function tryOtherOwner(): void {
    const other = [loadOwner(roomId), offered].find((token) => token !== undefined && token !== owner);
    if (other === undefined || loadRenewal(roomId)) return;
    saveOwner(roomId, other);
    handlers.restart();
  }

  // The name that the visitor has just seen elsewhere is shown until the server has responded.
  function showName(snapshot: RoomSnapshot): void {
    const { name: answered } = snapshot;
    if (answered !== null) saveRoomName(roomId, answered);
    name = answered ?? name;
    view.showName(name, snapshot);
    showTitle(name ?? "");
  }

  function showState({ state }: RoomSnapshot, before: RoomSnapshot | null): void {
    view.showState(state);
    clearTimeout(backTimer);
    if (view.isAway(state)) noteAway();
    if (state.status === "open") {
      backTimer = setTimeout(noteBack, MISSED_MS);
      if (loadRenewal(roomId) && !isRenewing) tell(renewOwner());
    }
    if (state.status !== "closed" || state.reason === "left" || before?.state.status === "closed") return;
    composer.close();
    log.end();
    cancelQuestion();
    dialogues?.cleanup.leave();
    dialogues?.invite.leave();
    dialogues?.personView.end();
    if (state.reason === "private") {
      // The name that this tab remembers is for those who have the invite link.
      name = null;
      showTitle("");
    }
    if (state.reason === "gone" || state.reason === "closed") endVisited(roomId);
    const hasExpired = state.reason === "unauthorized" && isSignedIn();
    view.showEnding(hasExpired ? "expired" : state.reason, name, log.isEmpty());
  }

  // From now on, what arrives is new to the visitor.
  function noteAway(): void {
    if (awayAfter !== null) return;
    awayAfter = room.messages.at(-1)?.sequence ?? 0;
    // A line that the visitor has not read on from stays.
    if (awayAfter <= (readUpTo ?? awayAfter)) newFrom = null;
    log.markNewFrom(newFrom);
    log.hold(true);
  }

  function onMessage(message: Message): void {
    const { sequence, isOwn, isIgnored } = message;
    if (isOwn || isIgnored) return;
    noteArrival(message);
    showUnread();
    if (sequence <= Math.max(awayAfter ?? sequence, readUpTo ?? 0)) return;
    if (newFrom !== null && newFrom < sequence) return; // a live message may overtake missed ones
    newFrom = sequence;
    log.markNewFrom(newFrom);
  }

  // From now on, what arrives is read as it arrives.
  function noteBack(): void {
    if (document.hidden || room.state.status !== "open" || room.getSnapshot().you === null) return;
    awayAfter = null;
    log.hold(false);
  }

  /** The visitor goes past the new messages: those that are here are read, whatever was read elsewhere. */
  function skip(): void {
    if (view.isAway(room.state)) return;
    awayAfter = null;
    markRead();
  }

  function onVisibility(): void {
    if (document.hidden) noteAway();
    else noteBack();
    if (document.hidden) remember(); // the tab may be closed
  }

  function say(text: string, options: SendOptions): void {
    newFrom = null;
    log.markNewFrom(null);
    room.send(text, options).catch(() => {}); // shown as failed, from the snapshot
  }

  /** Create a room of the same name, and take the text that was not sent along. */
  async function openAgain(): Promise<void> {
    const { isPrivate, pending } = room.getSnapshot();
    if (name === null) return;
    const created = await client.createRoom(name, { private: isPrivate });
    const { roomId: newId, joinToken } = created;
    if (hasLeft) return;
    const unsent = [...pending.map(({ message }) => message), composer.draft()].filter(hasGlyph);
    saveCreated(created, name);
    saveDraft(newId, unsent.join("\n"));
    for (const { clientId } of pending) room.discard(clientId);
    saveDraft(roomId, "");
    newRoom.announce({ roomId: newId, token: joinToken });
    location.hash = addressOf({ roomId: newId, token: joinToken });
  }

  /** Show why something was not done. What was done shows itself. */
  function tell(action: Promise<void>): void {
    action.catch((error: ChatError) => log.say(sentence(error.message)));
  }

  function onTokens({ joinToken, ownerToken }: RoomTokens): void {
    if (joinToken) address = { ...address, token: joinToken };
    remember();
    if (ownerToken) {
      owner = ownerToken;
      saveOwner(roomId, ownerToken);
      saveRenewal(roomId, false);
    }
    handlers.moved({ ...address, owner });
    if (joinToken) dialogues?.invite.showLink(urlOf(address));
    newRoom.move(address);
    dialogues?.ownerView.showLink();
  }

  /** Ignore those whom another tab ignores, and nobody else. */
  function shareIgnored(): void {
    const ids = loadIgnored(roomId);
    const { ignored } = room.getSnapshot();
    for (const id of ids) if (!ignored.includes(id)) room.ignore(id);
    for (const id of ignored) if (!ids.includes(id)) room.unignore(id);
  }

  /** Show what was reported while neither the owner nor a moderator was there. */
  async function showReports({ state, history, isOwner, you }: RoomSnapshot): Promise<void> {
    const isReady = state.status === "open" && history === "ready";
    if (hasReports || !isReady || !(isOwner || you?.role === "moderator")) return;
    hasReports = true;
    const reports = await room.reports().catch(warn);
    hasReports = Boolean(reports); // after a failure, the next connection tries again
    if (!hasLeft && reports) for (const report of reports.slice(0, MAX_REPORTS).reverse()) log.addReport(report);
  }

  /** Renew the owner's token. If the page is closed before the response arrives, the next visit does it again. */
  async function renewOwner(): Promise<void> {
    isRenewing = true;
    if (room.state.status === "open") saveRenewal(roomId, true);
    try {
      await room.renewTokens({ owner: true });
    } catch (error) {
      if (!UNKNOWN_OUTCOMES.includes((error as ChatError).code)) saveRenewal(roomId, false);
      throw error;
    } finally {
      isRenewing = false;
    }
  }

  /** Offer a new invite link: a removed member may come back under another key with the former one. */
  function onRemoved({ name: removed }: Member): void {
    const { isPrivate, isOwner } = room.getSnapshot();
    if (isPrivate && isOwner) dialogues?.invite.offerAfterRemoval(removed);
  }

  /** Offer a new invite link, if this page does not know the one of its private room. Returns whether it does that. */
  function offerInvite(): boolean {
    const isUnknown = mayManage() && room.getSnapshot().isPrivate && address.token === undefined;
    if (isUnknown) void openDialogue(({ invite }) => mayManage() && invite.offerUnknown());
    return isUnknown;
  }

  function mayManage(): boolean {
    const { isOwner, state } = room.getSnapshot();
    return isOwner && state.status !== "closed";
  }

  function showOwner(snapshot: RoomSnapshot): void {
    view.showManage(mayManage());
    dialogues?.ownerView.showOwner(snapshot);
  }

  /** Open a dialogue, when it is loaded. Of those that are requested until then, only the last one. */
  async function openDialogue(open: (loaded: Dialogues) => unknown): Promise<void> {
    const opening = ++openings;
    try {
      dialogues ??= await import("./dialogues.js");
    } catch {
      if (!hasLeft && opening === openings) await sayNotLoaded();
      return;
    }
    if (hasLeft || opening !== openings) return;
    if (!hasDialogues) enterDialogues(dialogues);
    open(dialogues);
  }

  /** Say that there is no connection. With a connection, another version of the page has replaced the file. */
  async function sayNotLoaded(): Promise<void> {
    const isConnected = navigator.onLine && room.state.status === "open";
    if (!isConnected) log.say(NEEDS_CONNECTION);
    else await offerReload();
  }

  function enterDialogues({ cleanup, invite, ownerView, personView }: Dialogues): void {
    hasDialogues = true;
    personView.enter({
      snapshot: room.getSnapshot,
      report: (sequence, reason) => room.reportMessage(sequence, reason || undefined),
      ignore: (memberId) => room.ignore(memberId),
      unignore: (memberId) => room.unignore(memberId),
      mute: (memberId, seconds) => room.muteMember(memberId, seconds),
      setRole: (memberId, role) => room.setRole(memberId, role),
      remove: (memberId, deleteMessages) => room.removeMember(memberId, { deleteMessages }),
      removed: onRemoved,
    });
    ownerView.enter({
      link: () => (owner ? urlOf({ ...address, owner }) : null),
      offerInvite: invite.offer,
      renewLink: renewOwner,
      rename: (newName) => room.update({ name: newName }),
      lock: (locked) => room.update({ locked }),
      keep: (keepDays) => room.update({ keepDays }),
      slow: (slowSeconds) => room.update({ slowSeconds }),
      listBans: () => room.bans(),
      unban: (memberId) => room.unbanMember(memberId),
      listHooks: () => client.listHooks(roomId, owner ?? ""),
      addHook: async (hookName) => (await client.createHook(roomId, owner ?? "", hookName)).url,
      deleteHook: (hookId) => client.deleteHook(roomId, owner ?? "", hookId),
      close: () => room.close().then(view.focusEnding),
    });
    cleanup.enter({ snapshot: room.getSnapshot, deleteMessage: (sequence) => room.deleteMessage(sequence) });
    invite.enter(() => room.renewTokens({ join: true }));
    ownerView.showOwner(room.getSnapshot());
  }

  let hasLeft = false;
  let hasDialogues = false;
  let openings = 0;
  let isReadingUnread = false;
  let hasReports = false;
  let isRenewing = false;
  let currentName = visitorName;
  view.enter({
    tryNow: () => room.reconnect(),
    openAgain,
    showMore: (member) => openDialogue(({ personView }) => personView.open(member, null)),
    manage: () => openDialogue(({ ownerView }) => mayManage() && ownerView.open()),
    offerInvite,
    transcript: makeTranscript,
    say: log.say,
  });
  log.enter({
    loadOlder: () => room.loadOlder(),
    deleteMessage: (sequence) => tell(room.deleteMessage(sequence)),
    showMore: (message) => openDialogue(({ personView }) => personView.open(message.sender, message)),
    unignore: (memberId) => room.unignore(memberId),
    react: (sequence, reaction, remove) => tell(room.react(sequence, reaction, { remove })),
    reply: composer.reply,
    edit: composer.edit,
    loadQuote: (sequence) => void room.loadQuote(sequence),
    reachEnd: noteRead,
    skip,
    hint: composer.showHint,
  });
  newRoom.enter(roomId);
  composer.enter(roomId, {
    send: say,
    edit: (sequence, text) => room.edit(sequence, text),
    typing: () => room.typing(),
    lastOwn: () => room.messages.findLast(isEditable),
    find: (sequence) => room.messages.find((message) => message.sequence === sequence),
  });
  mentions.enter(() => mentionable(room.getSnapshot()));
  room.on("message", onMessage);
  room.on("mention", (message) => message.sequence > (readUpTo ?? 0) && notify(roomId, message));
  room.on("notice", log.addNotice);
  room.on("reported", log.addReport);
  room.on("tokens", onTokens);
  room.on("expired", () => log.addSentence("Some earlier messages are no longer kept."));
  room.on("error", warn);
  const stopSharing = watchIgnored(roomId, shareIgnored);
  // In a tab that the visitor looks at, the line stays where they read.
  const stopFollowing = watchRead(roomId, (sequence) => document.hidden && takeReadElsewhere(Number(sequence)));
  room.subscribe(show);
  document.addEventListener("visibilitychange", onVisibility);
  show();
  onVisibility();

  return {
    rename(newName) {
      if (currentName === null) return;
      currentName = newName;
      room.rename(newName);
    },
    leave() {
      hasLeft = true;
      remember();
      clearTimeout(backTimer);
      stopSharing();
      stopFollowing();
      document.removeEventListener("visibilitychange", onVisibility);
      room.leave();
      showPending({ pending: [], slowSeconds: 0, messages: [] }, room); // the next visit's entries need buttons of their own
      withdraw();
      showTyping([]);
      composer.close();
      log.leave();
      view.leave();
      dialogues?.ownerView.leave();
      dialogues?.invite.leave();
      dialogues?.personView.leave();
      newRoom.leave();
      dialogues?.cleanup.leave();
      cancelQuestion();
      clearTitle();
    },
  };
}

/** Report an error without its stack: that names the host. */
function warn({ message }: ChatError): void {
  console.warn(message);
}

/**
 * Return those who can be mentioned: who has spoken last, then the other members. Somebody may have come back from another
 * browser: of one name, those who are here count.
 */
function mentionable({ members, messages, you }: RoomSnapshot): Member[] {
  const people = new Map<string, Member>();
  const present = new Map(members.map((member) => [member.id, member]));
  const names = new Set(members.map(({ name }) => name));
  for (const { sender, isOwn, isIgnored } of [...messages].reverse()) {
    const member = present.get(sender.id) ?? sender;
    const isHidden = member === sender && names.has(sender.name);
    if (!isOwn && !isIgnored && !sender.bot && !people.has(sender.id) && !isHidden) people.set(sender.id, member);
    names.add(member.name);
  }
  for (const member of members) if (!people.has(member.id) && !member.bot) people.set(member.id, member);
  if (you) people.delete(you.id);
  return [...people.values()];
}

/** Return the ids of the people in sight: of the members, and of those who have written. */
function* peopleIn({ members, messages, you }: RoomSnapshot): Iterable<string> {
  if (you) yield you.id;
  for (const { id } of members) yield id;
  for (const { sender } of messages) yield sender.id;
}
