/** A visit to one room: brings its connection, its frames and its view together. */

import { getMembers, getRoom, getWebSocketUrl } from "./api.js";
import { readFrame, sendMessage } from "./frames.js";
import { Connection } from "./socket.js";
import { oneLine } from "./text.js";
import * as view from "./room-view.js";

const RECHECK_MS = 1_000;

let webSocketUrl = null;

export function enterRoom(roomId, name) {
  const sent = new Map();
  const ownIds = new Set();
  let members = new Map();
  let presenceFrames = 0;
  let recheck = null;
  let hasLeft = false;

  const connection = new Connection({ findAddress, worthRetrying: lookAtRoom, onState, onText });

  async function findAddress() {
    webSocketUrl ??= await getWebSocketUrl();
    const query = new URLSearchParams({ roomId });
    if (name) query.set("name", name);
    return `${webSocketUrl}?${query}`;
  }

  function onState(state) {
    view.showState(state);
    if (state === "open") meetMembers();
    if (state === "lost") doubtUnconfirmed();
  }

  function onText(text) {
    const frame = readFrame(text);
    switch (frame?.type) {
      case "message":
        view.addMessage(frame, isOwn(frame));
        break;
      case "join":
        members.set(frame.sender.id, frame.sender.name);
        onPresence(frame);
        break;
      case "leave":
        members.delete(frame.sender.id);
        onPresence(frame);
        break;
      case "error":
        onRefusal(frame);
        break;
      default:
        // A newer server may know frames that this page does not.
        console.warn("ignored a frame:", text);
    }
  }

  // The server never says which member we are; the echo of our first message does.
  function isOwn({ clientId, sender }) {
    if (sent.delete(clientId)) ownIds.add(sender.id);
    return ownIds.has(sender.id);
  }

  function onPresence(frame) {
    presenceFrames += 1;
    view.addNotice(frame.message);
    view.showMembers(members);
    if (frame.memberCount !== members.size) recheckMembersSoon();
  }

  function onRefusal({ code, message, clientId }) {
    view.showMessageError(message);
    view.giveBack(sent.get(clientId) ?? "");
    sent.delete(clientId);
    if (code === "not_in_room") connection.lose();
  }

  function doubtUnconfirmed() {
    const last = [...sent.values()].at(-1);
    sent.clear();
    if (last && view.giveBack(last)) view.showMessageError("Your last message may not have arrived. Here it is again.");
  }

  function say(text) {
    const message = oneLine(text);
    const clientId = crypto.randomUUID();
    if (!message.trim() || !connection.send(sendMessage(message, clientId))) return false;
    sent.set(clientId, message);
    return true;
  }

  // The list comes from an index that may not know of our own arrival yet; the room's count does.
  async function meetMembers() {
    const [room] = await Promise.all([showRoom(), refreshMembers()].map(settle));
    if (room && room.member_count !== members.size) recheckMembersSoon();
  }

  async function refreshMembers() {
    clearTimeout(recheck);
    const framesBefore = presenceFrames;
    const present = await getMembers(roomId);
    if (hasLeft) return;
    members = new Map(present.map((member) => [member.id, member.name]));
    view.showMembers(members);
    if (presenceFrames !== framesBefore) recheckMembersSoon();
  }

  function recheckMembersSoon() {
    if (hasLeft) return;
    clearTimeout(recheck);
    recheck = setTimeout(() => settle(refreshMembers()), RECHECK_MS);
  }

  async function showRoom() {
    const room = await getRoom(roomId);
    if (!hasLeft) view.showName(room.name);
    return room;
  }

  /** Whether the room is still there, or at least not known to be gone. */
  async function lookAtRoom() {
    try {
      await showRoom();
      return true;
    } catch (problem) {
      return problem.status !== 404;
    }
  }

  async function enter() {
    view.enter({ say, tryNow: () => connection.retryNow() });
    connection.open();
    if (await lookAtRoom() || hasLeft) return;
    connection.close();
    view.showState("over");
  }

  function leave() {
    hasLeft = true;
    clearTimeout(recheck);
    connection.close();
    view.leave();
  }

  function rename(newName) {
    if (newName === name) return;
    name = newName;
    connection.open();
  }

  enter();
  return { roomId, leave, rename };
}

async function settle(promise) {
  try {
    return await promise;
  } catch (problem) {
    console.warn("could not look around the room:", problem);
    return null;
  }
}
