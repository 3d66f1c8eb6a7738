/** Entry point: hash routing, lazy loading of the two views, and the display name. */

import { byId } from "./elements.js";
import { cleanName, recallName, rememberName } from "./name.js";
import { addressOf, roomIn } from "./route.js";

const nameField = byId("your-name");
const roomsView = byId("rooms-view");
const roomView = byId("room-view");
const loadError = byId("load-error");

let stay = null;

async function followAddress() {
  const room = roomIn(location.hash);
  const address = room ? addressOf(room) : "#/";
  if (stay?.address === address) return;
  const cameBack = stay !== null;
  stay?.visit?.leave();
  const newStay = { address, visit: null };
  stay = newStay;
  const view = room ? roomView : roomsView;
  show(view);
  const script = await (room ? import("./room.js") : import("./rooms.js")).catch(console.warn);
  if (stay !== newStay) return;
  loadError.hidden = Boolean(script);
  view.inert = !script;
  stay.visit = script?.enter({ room, name: cleanName(nameField.value), cameBack });
}

// Show the view at once, but keep it inert until its script has loaded.
function show(view) {
  for (const each of [roomsView, roomView]) each.hidden = each !== view;
  view.inert = true;
  loadError.hidden = true;
}

function takeName() {
  nameField.value = cleanName(nameField.value);
  rememberName(nameField.value);
  stay.visit?.rename?.(nameField.value);
}

nameField.value = recallName();
nameField.addEventListener("change", takeName);
window.addEventListener("hashchange", followAddress);
// This module runs, so from here on a failed import shows the error without delay.
loadError.classList.remove("late");
followAddress();
