"use client";

import { useRouter } from "next/navigation";
import { useActionState } from "react";
import { chat } from "@/lib/chat";
import { roomPath, saveOwnerToken } from "@/lib/room-link";

export function CreateRoom() {
  const router = useRouter();
  const [failed, createRoom, isPending] = useActionState(async (_: unknown, form: FormData) => {
    const name = String(form.get("name"));
    const isPrivate = form.has("private");
    try {
      const { roomId, joinToken, ownerToken } = await chat.createRoom(name, { private: isPrivate });
      saveOwnerToken(roomId, ownerToken);
      router.push(roomPath(roomId, joinToken));
      return null;
    } catch (error) {
      return { name, isPrivate, reason: (error as Error).message };
    }
  }, null);

  return (
    <form className="stack" action={createRoom}>
      <label>
        Room name <input name="name" required autoComplete="off" defaultValue={failed?.name} />
      </label>
      <label>
        <input name="private" type="checkbox" defaultChecked={failed?.isPrivate} /> Private: not listed, and only people
        with its invite link can enter
      </label>
      <button type="submit" disabled={isPending}>
        Create room
      </button>
      {failed && <p role="alert">The room was not created: {failed.reason}</p>}
    </form>
  );
}
