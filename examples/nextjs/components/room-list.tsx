"use client";

import { useRooms } from "chalice-chat-client/react";
import Link from "next/link";
import { chat } from "@/lib/chat";
import { roomPath } from "@/lib/room-link";

export function RoomList() {
  const { rooms, isLoaded, hasMore, error, loadMore } = useRooms(chat);
  return (
    <>
      {error && <p role="alert">The rooms could not be loaded: {error.message}</p>}
      {!isLoaded && !error && <p>Looking for rooms…</p>}
      {isLoaded && rooms.length === 0 && <p>No rooms are open.</p>}
      <ul className="stack" aria-label="Rooms">
        {rooms.map(({ roomId, name, memberCount }) => (
          <li key={roomId}>
            <Link href={roomPath(roomId)} prefetch={false}>
              <bdi>{name}</bdi>
            </Link>{" "}
            {memberCount} {memberCount === 1 ? "person" : "people"}
          </li>
        ))}
      </ul>
      {hasMore && (
        <button type="button" onClick={loadMore}>
          Show more
        </button>
      )}
    </>
  );
}
