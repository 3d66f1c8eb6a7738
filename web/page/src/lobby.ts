/** Controller of the room list: shows it, creates rooms, and opens invite links. */

import { ApiError, type ChatClient } from "chalice-chat-client";
import * as view from "./lobby-view.js";
import { addressOf, findInvitation } from "./route.js";
import { subject } from "./sign-in.js";
import { loadRoomList, saveCreated, saveRoomList, saveRoomName } from "./store.js";
import { sentence } from "./text.js";
import * as yourRooms from "./your-rooms.js";

const UNREACHABLE = "The server could not be reached. Check your connection and try again.";

export interface Lobby {
  enter(cameBack: boolean): void;
  leave(): void;
  /** Show that only users may see the rooms, or the rooms. */
  showSignIn(isNeeded: boolean): void;
}

export function makeLobby(client: ChatClient): Lobby {
  const list = client.watchRooms();
  let scrollTop = 0;

  async function create(
    roomName: string,
    { isPrivate, keepDays }: { isPrivate: boolean; keepDays: number | undefined },
  ): Promise<void> {
    const { hash } = location;
    const visitor = subject();
    try {
      const created = await client.createRoom(roomName, { private: isPrivate, keepDays });
      if (subject() !== visitor) return; // who has signed out leaves nothing here
      saveCreated(created, roomName);
      view.clearForms();
      if (location.hash !== hash) return; // the visitor has gone elsewhere meanwhile
      location.hash = addressOf({ roomId: created.roomId, token: created.joinToken });
    } catch (error) {
      if (location.hash !== hash) return;
      if (error instanceof ApiError && error.status === 401) await list.refresh(); // shows the button to sign in
      view.showCreateError(error instanceof ApiError ? sentence(error.message) : UNREACHABLE);
    }
  }

  function join(link: string): void {
    const { room, host } = findInvitation(link) ?? {};
    if (!room) {
      view.showJoinError(
        host
          ? `That link leads to ${host}, not to a room here.`
          : "That is not a link to a room here. Ask for it again: “Copy invite link” in the room gives it.",
      );
      return;
    }
    view.clearForms();
    location.hash = addressOf(room);
  }

  async function showMore(): Promise<void> {
    const shown = view.countShown();
    await list.loadMore();
    view.focusRoom(shown);
  }

  // After a reload on a slow network, the last list is better than none.
  const lastList = loadRoomList();

  list.subscribe(() => {
    const snapshot = list.getSnapshot();
    if (snapshot.isLoaded) saveRoomList(snapshot);
    view.showList(snapshot.isLoaded ? snapshot : { ...snapshot, ...lastList, error: snapshot.error });
  });
  view.listen({ create, join, showMore, open: ({ roomId, name }) => saveRoomName(roomId, name) });
  if (lastList) view.showList(lastList);

  return {
    showSignIn: view.showSignIn,
    enter(cameBack) {
      list.start();
      yourRooms.enter(client);
      if (!cameBack) return;
      view.focusHeading();
      window.scrollTo(0, scrollTop);
    },
    leave() {
      scrollTop = window.scrollY;
      list.stop();
      view.clearErrors();
      yourRooms.leave();
    },
  };
}
