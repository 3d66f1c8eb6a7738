/** Controller of the room list: refreshes it while it is visible, creates rooms, and opens invite links. */

import { createRoom, listRooms, Refusal } from "./api.js";
import { addressOf, roomInLink } from "./route.js";
import * as view from "./rooms-view.js";

const PAGE = 20;
const REFRESH_MS = 5_000;

let isShown = false;
let pages = 1;
let latestLook = 0;
let nextLook = null;

/** `cameBack` is true for a visitor who returns from a room, and false for one who has just opened the page. */
export function enter({ cameBack }) {
  isShown = true;
  if (cameBack) view.focusHeading();
  refresh();
  return { leave };
}

function leave() {
  isShown = false;
  latestLook += 1;
  clearTimeout(nextLook);
  view.leave();
}

async function refresh() {
  clearTimeout(nextLook);
  const look = ++latestLook;
  try {
    const { rooms, hasMore } = await firstPages();
    if (look !== latestLook) return;
    view.showList(rooms, hasMore);
  } catch (problem) {
    console.warn("could not list the rooms:", problem);
    if (look !== latestLook) return;
    view.showListError("The rooms could not be loaded. Trying again…");
  }
  if (isShown && !document.hidden) nextLook = setTimeout(refresh, REFRESH_MS);
}

async function firstPages() {
  const rooms = [];
  let cursor = null;
  for (let page = 0; page < pages; page += 1) {
    const answer = await listRooms(PAGE, cursor);
    rooms.push(...answer.rooms);
    cursor = answer.nextCursor;
    if (!cursor) break;
  }
  return { rooms, hasMore: Boolean(cursor) };
}

function refreshIfLookedAt() {
  if (isShown && !document.hidden) refresh();
}

async function showMore() {
  const shown = view.countShown();
  pages += 1;
  await refresh();
  view.focusRoom(shown);
}

async function create(roomName, isPrivate) {
  try {
    const room = await createRoom(roomName, isPrivate);
    view.clearForms();
    location.hash = addressOf(room);
  } catch (problem) {
    const sentence = problem instanceof Refusal
      ? problem.message
      : "The server could not be reached. Check your connection and try again.";
    view.showCreateError(sentence);
  }
}

function join(link) {
  const room = roomInLink(link);
  if (!room) {
    view.showJoinError("That is not a link to a room here. Ask for it again: “Copy invite link” in the room gives it.");
    return;
  }
  view.clearForms();
  location.hash = addressOf(room);
}

view.onCreate(create);
view.onJoin(join);
view.onShowMore(showMore);
window.addEventListener("focus", refreshIfLookedAt);
document.addEventListener("visibilitychange", refreshIfLookedAt);
