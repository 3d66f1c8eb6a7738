/** Show the view that the address names, loading what it needs, and keep the visitor's name at hand in both. */

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

// Seen at once, but of no use before its script is there.
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
// From here on a failure is known at once.
loadError.classList.remove("late");
followAddress();
