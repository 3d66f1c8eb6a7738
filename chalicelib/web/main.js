/** Show the view that the address names, and keep the visitor's name at hand in both. */

import { cleanName, recallName, rememberName } from "./name.js";
import { enterRoom } from "./room.js";
import { addressOf, roomIn } from "./route.js";
import { hideRooms, showRooms } from "./rooms.js";

const nameField = document.getElementById("your-name");

let visit = null;

function followAddress() {
  const room = roomIn(location.hash);
  if (visit && room && addressOf(visit.room) === addressOf(room)) return;
  const cameBack = visit !== null;
  visit?.leave();
  visit = null;
  if (room) {
    hideRooms();
    visit = enterRoom(room, cleanName(nameField.value));
  } else {
    showRooms({ cameBack });
  }
}

function takeName() {
  nameField.value = cleanName(nameField.value);
  rememberName(nameField.value);
  visit?.rename(nameField.value);
}

nameField.value = recallName();
nameField.addEventListener("change", takeName);
window.addEventListener("hashchange", followAddress);
followAddress();
