/** The outbox of each room, stored in sessionStorage so that it survives a reload of the tab. */

const KEY = "chalice-chat.outbox.";

export function recallOutbox(roomId) {
  try {
    const saved = JSON.parse(sessionStorage.getItem(KEY + roomId)) ?? [];
    return saved.filter(({ clientId, message }) => clientId && message);
  } catch {
    return [];
  }
}

export function rememberOutbox(roomId, entries) {
  try {
    if (entries.length) sessionStorage.setItem(KEY + roomId, JSON.stringify(entries));
    else sessionStorage.removeItem(KEY + roomId);
  } catch {
    // Storage is full or disabled: unsent messages last until the page is closed.
  }
}
