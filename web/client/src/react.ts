"use client";

/** React hooks. */

import { useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import type { ChatClient, JoinOptions } from "./client.js";
import { ChatError } from "./errors.js";
import type { Room } from "./room.js";
import { NO_ROOMS, type RoomListSnapshot } from "./room-list.js";
import { NOT_JOINED } from "./room-store.js";
import type { Message, RoomSnapshot } from "./types.js";

/** The result of `useRooms`. Its functions stay the same between renderings. */
export interface UseRooms extends RoomListSnapshot {
  loadMore(): Promise<void>;
  refresh(): Promise<void>;
}

/** The result of `useRoom`. Its functions stay the same between renderings, and are those of `Room`, but for `reconnect`. */
export interface UseRoom extends RoomSnapshot {
  /** The room, for its events, the actions of the owner and of moderators, and to ignore members. Null on a server, and until the component is mounted. */
  readonly room: Room | null;
  send(text: string): Promise<Message>;
  retry(clientId: string): Promise<Message>;
  discard(clientId: string): void;
  /** Delete a message: one's own, or as the owner any. */
  deleteMessage(sequence: number): Promise<void>;
  loadOlder(): Promise<void>;
  /** Connect now, if the connection is lost. A room that is closed, but not for good (`isFinal`), is joined again. */
  reconnect(): void;
}

/** Return the list of public rooms. It refreshes itself while the component is mounted and the page is visible. */
export function useRooms(client: ChatClient): UseRooms {
  const list = useMemo(() => client.watchRooms(), [client]);
  useEffect(() => {
    list.start();
    return () => list.stop();
  }, [list]);
  const snapshot = useSyncExternalStore(list.subscribe, list.getSnapshot, getNoRooms);
  const actions = useMemo(() => ({ loadMore: () => list.loadMore(), refresh: () => list.refresh() }), [list]);
  return { ...snapshot, ...actions };
}

/**
 * Join a room while the component is mounted. All components with the same client, room and tokens share one connection.
 *
 * A new `name` renames this client. Without a name, a component keeps the name that another one has given. Another room
 * or token leaves this room and joins the other one. Throws a ChatError if the name is invalid: `cleanName`
 * makes one that is valid.
 */
export function useRoom(
  client: ChatClient,
  roomId: string,
  { name, token, owner, ignored }: JoinOptions = {},
): UseRoom {
  const [joined, setJoined] = useState<Room | null>(null);
  const [attempt, setAttempt] = useState(0);
  const current = useRef<Room | null>(null);
  const latestName = useRef(name);
  const firstIgnored = useRef(ignored);
  useEffect(() => {
    latestName.current = name;
    if (name !== undefined) current.current?.rename(name);
  }, [name]);
  // `attempt` is among the dependencies, because another attempt joins again.
  useEffect(() => {
    const { room, release } = acquire(client, roomId, {
      name: latestName.current,
      token,
      owner,
      ignored: firstIgnored.current,
    });
    current.current = room;
    setJoined(room);
    return () => {
      current.current = null;
      release();
    };
  }, [client, roomId, token, owner, attempt]);
  const room = joined?.roomId === roomId ? joined : null;
  const snapshot = useSyncExternalStore(
    room?.subscribe ?? subscribeToNothing,
    room?.getSnapshot ?? getNotJoined,
    getNotJoined,
  );
  const actions = useMemo(
    () => ({
      send: (text: string) => current.current?.send(text) ?? notJoined(),
      retry: (clientId: string) => current.current?.retry(clientId) ?? notJoined(),
      discard: (clientId: string) => current.current?.discard(clientId),
      deleteMessage: (sequence: number) => current.current?.deleteMessage(sequence) ?? notJoined(),
      loadOlder: async () => current.current?.loadOlder(),
      reconnect: () => {
        const state = current.current?.state;
        if (state?.status === "closed" && !state.isFinal) setAttempt((before) => before + 1);
        else current.current?.reconnect();
      },
    }),
    [],
  );
  return { ...snapshot, room, ...actions };
}

interface SharedRoom {
  readonly room: Room;
  users: number;
}

const sharedRooms = new WeakMap<ChatClient, Map<string, SharedRoom>>();

function acquire(client: ChatClient, roomId: string, options: JoinOptions) {
  const { name, token, owner } = options;
  const rooms = sharedRooms.get(client) ?? new Map<string, SharedRoom>();
  sharedRooms.set(client, rooms);
  const key = JSON.stringify([roomId, token, owner]);
  let shared = rooms.get(key);
  if (!shared || shared.room.state.status === "closed") {
    shared = { room: client.join(roomId, options), users: 0 };
    rooms.set(key, shared);
  }
  const { room } = shared;
  const acquired = shared;
  if (name !== undefined) room.rename(name);
  acquired.users += 1;
  const release = () => {
    acquired.users -= 1;
    // StrictMode mounts each component twice, and a navigation mounts the next page after this one: leave only if
    // nobody uses the room a moment later.
    setTimeout(() => {
      if (acquired.users > 0) return;
      room.leave();
      if (rooms.get(key) === acquired) rooms.delete(key);
    });
  };
  return { room, release };
}

function subscribeToNothing(): () => void {
  return () => {};
}

function getNotJoined(): RoomSnapshot {
  return NOT_JOINED;
}

function getNoRooms(): RoomListSnapshot {
  return NO_ROOMS;
}

function notJoined(): Promise<never> {
  const rejected = Promise.reject<never>(
    new ChatError("closed", "The room is not joined: the component is not mounted."),
  );
  rejected.catch(() => {}); // as for `Room.send`, the promise may be ignored
  return rejected;
}
