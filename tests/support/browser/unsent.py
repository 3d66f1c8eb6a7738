"""Helper: messages that an earlier visit has left, because the server has rejected them."""

from __future__ import annotations

import json

from playwright.sync_api import Page

# As identityOf() of the client library: FNV-1a with 64 bits.
_LEAVE = """([roomId, messages]) => {
    let hash = 0xcbf29ce484222325n;
    for (const byte of new TextEncoder().encode(JSON.parse(localStorage.getItem("chalice-chat.key"))))
        hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
    localStorage.setItem(`chalice-chat.outbox.guest-${hash.toString(36)}.${roomId}.closed-tab`, messages);
}"""


def leave_rejected(page: Page, room_id: str, *texts: str, failure: str) -> None:
    """Reload the page of a guest in a room, to which a tab that was closed has left messages."""
    messages = [{"clientId": text, "message": text, "sentAt": None, "failure": failure} for text in texts]
    page.evaluate(_LEAVE, [room_id, json.dumps(messages)])
    page.reload()
