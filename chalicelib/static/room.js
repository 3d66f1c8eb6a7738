/** Controller of a visit to one room: connects the WebSocket, history, outbox, presence and view. */

import { getMembers, getMessages, getRoom, getWebSocketUrl } from "./api.js";
import { PING, readFrame, sendMessage } from "./frames.js";
import { makeHistory } from "./history.js";
import { makeOutbox } from "./outbox.js";
import { recallOutbox, rememberOutbox } from "./outbox-store.js";
import { makePresence } from "./presence.js";
import { makeSelf } from "./self.js";
import { makeConnection } from "./socket.js";
import { oneLine } from "./text.js";
import { makeTimeline } from "./timeline.js";
import { countUnread } from "./title.js";
import * as view from "./room-view.js";

const INDEX_LAG_MS = 2_000;
// The reason for the end of a visit, by HTTP status.
const ENDINGS = { 403: "private", 404: "gone" };

let webSocketUrl = null;

/** `room` is `{roomId, token}`. */
export function enter({ room, name }) {
  const self = makeSelf();
  const timeline = makeTimeline();
  let nameInUse = null;
  let isOpen = false;
  let lateLook = null;
  let hasLeft = false;
  let ending = null;

  const connection = makeConnection({ findAddress, worthRetrying: lookAtRoom, ping, onState, onText });
  const presence = makePresence({ ask: () => getMembers(room), onMembers: view.showMembers });
  const history = makeHistory({
    timeline,
    ask: (range) => getMessages(room, range),
    tell: {
      missed: showMissed,
      older: showOlder,
      olderState: view.showOlderState,
      expired: showExpired,
      caughtUp: () => outbox.caughtUp(),
      trouble: onTrouble,
    },
  });
  const outbox = makeOutbox({
    saved: recallOutbox(room.roomId),
    send: ({ message, clientId }) => connection.send(sendMessage(message, clientId)),
    save: (entries) => rememberOutbox(room.roomId, entries),
    onChange: view.showOutbox,
  });

  async function findAddress() {
    webSocketUrl ??= await getWebSocketUrl();
    const query = new URLSearchParams({ roomId: room.roomId });
    if (name) query.set("name", name);
    if (room.token) query.set("token", room.token);
    nameInUse = name;
    return `${webSocketUrl}?${query}`;
  }

  function onState(state) {
    if (isOpen) self.left(nameInUse);
    isOpen = state === "open";
    view.showState(state);
    if (isOpen) onOpen();
    else outbox.close();
    if (state === "over") endVisit();
  }

  function onOpen() {
    outbox.open();
    history.catchUp();
    // Messages are delivered by an eventually consistent index that may not contain this connection yet.
    clearTimeout(lateLook);
    lateLook = setTimeout(history.catchUp, INDEX_LAG_MS);
    meetMembers();
  }

  // A lost frame leaves no visible gap until the next one arrives, so read the history with each ping.
  function ping() {
    connection.send(PING);
    history.catchUp();
  }

  function onText(text) {
    const frame = readFrame(text);
    switch (frame?.type) {
      case "message":
        showMessages([frame]);
        if (timeline.hasGap) history.fillGap();
        break;
      case "join":
      case "leave":
        onPresence(frame);
        break;
      case "error":
        outbox.refuse(frame);
        if (frame.code === "not_in_room") connection.renew();
        break;
      case "pong":
        break;
      default:
        // A newer server may send frames that this version does not know.
        console.warn("ignored a frame:", text);
    }
  }

  function onPresence(frame) {
    presence.note(frame);
    if (frame.type === "leave" && self.hasLeft(frame.sender)) return;
    view.addNotice(frame.message);
  }

  function showMessages(messages) {
    const expected = messages.map(recognized).filter(({ sequence }) => timeline.expects(sequence));
    view.addMessages(expected.map(placed));
    countUnread(expected.filter(({ isOwn }) => !isOwn).length);
  }

  function placed(message) {
    timeline.add(message.sequence);
    return { ...message, next: timeline.next(message.sequence) };
  }

  function showMissed(messages) {
    repeatOwn(messages);
    showMessages(messages);
  }

  // These messages were stored but not echoed to us, so the other members may not have received them either.
  function repeatOwn(messages) {
    for (const { clientId } of messages) outbox.repeat(clientId);
  }

  function showOlder(messages) {
    repeatOwn(messages);
    view.prependMessages(messages.map(recognized));
  }

  function showExpired(after) {
    view.addNotice("Some earlier messages are no longer kept.", timeline.next(after));
  }

  // A message of ours that arrives, live or in the history, is stored.
  function recognized(message) {
    if (outbox.confirm(message.clientId)) self.learn(message.sender.id);
    return { ...message, isOwn: self.is(message.sender.id) };
  }

  async function onTrouble({ status }) {
    view.showTrouble();
    if (status in ENDINGS) await endIfClosed();
  }

  function say(text) {
    const message = oneLine(text);
    if (!message.trim()) return false;
    outbox.add(message);
    return true;
  }

  async function meetMembers() {
    const [found] = await Promise.all([showRoom(), presence.refresh()].map((look) => look.catch(console.warn)));
    if (found) presence.expect(found.member_count);
  }

  async function showRoom() {
    const found = await getRoom(room);
    if (!hasLeft) view.showName(found.name);
    return found;
  }

  /** Test whether the room can be visited. A failed request counts as yes, unless it was refused or not found. */
  async function lookAtRoom() {
    try {
      await showRoom();
    } catch (problem) {
      ending = ENDINGS[problem.status] ?? null;
    }
    return ending === null;
  }

  async function endIfClosed() {
    if (await lookAtRoom() || hasLeft) return;
    connection.close();
    onState("over");
  }

  function begin() {
    view.enter({
      say,
      tryNow: connection.retryNow,
      readOlder: history.readOlder,
      forget: timeline.forget,
      retry: outbox.retry,
      discard: outbox.discard,
    });
    connection.open();
    history.catchUp();
    endIfClosed();
  }

  function endVisit() {
    // Messages that wait for a private room can still be sent with the right link.
    if (ending === "gone") outbox.end("This room no longer exists.");
    view.showEnding(ending);
    stop();
  }

  function leave() {
    hasLeft = true;
    connection.close();
    stop();
    outbox.close();
    view.leave();
  }

  function stop() {
    clearTimeout(lateLook);
    history.stop();
    presence.stop();
  }

  function rename(newName) {
    if (newName === name) return;
    name = newName;
    connection.open();
  }

  begin();
  return { leave, rename };
}
