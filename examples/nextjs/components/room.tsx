"use client";

import { useRoom } from "chalice-chat-client/react";
import Link from "next/link";
import { chat } from "@/lib/chat";
import { useName } from "@/lib/use-name";
import { Composer } from "./composer";
import { InviteLink } from "./invite-link";
import { Members } from "./members";
import { Messages } from "./messages";

const STATES = {
  connecting: "Connecting…",
  open: "Connected",
  lost: "Connection lost. Trying again…",
  closed: "Disconnected",
};

const ENDINGS = {
  gone: "This room no longer exists. Rooms close after everyone has left.",
  private: "This room is private: you need its invite link.",
  locked: "This room is locked: its owner lets nobody new in.",
  banned: "The owner or a moderator has removed you. You can come back in an hour.",
  closed: "The owner has closed this room.",
  unauthorized: "Please sign in to enter this room.",
  replaced: "You have this room open in too many tabs or devices.",
  blocked: "This chat does not accept connections from your network at present.",
  left: "You have left this room.",
};

export function Room({ roomId, token }: { roomId: string; token: string | null }) {
  const [visitorName] = useName();
  const room = useRoom(chat, roomId, { name: visitorName, token });
  const { state, name, reconnect, send } = room;
  const title = name ?? "Room";

  return (
    <main className="room">
      <title>{`${title} – Chalice Chat`}</title>
      <h1 dir="auto">{title}</h1>
      <div className="row">
        <p role="status">{STATES[state.status]}</p>
        {state.status === "lost" && (
          <button type="button" onClick={reconnect}>
            Try now
          </button>
        )}
        <Members {...room} />
        {state.status !== "closed" && <InviteLink />}
      </div>
      <Messages {...room} />
      {state.status === "closed" ? (
        <p role="alert">
          {ENDINGS[state.reason]} <Link href="/rooms/">Choose another room</Link>
        </p>
      ) : (
        <Composer send={send} mutedUntil={room.you?.mutedUntil} />
      )}
    </main>
  );
}
