/** The outbox of each room, kept over reloads of this tab where the browser allows it. */

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
    // Storage is full or switched off: what waits then lasts as long as the page.
  }
}
