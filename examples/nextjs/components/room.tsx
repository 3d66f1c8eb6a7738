"use client";

import type { ChatError } from "chalice-chat-client";
import { useRoom } from "chalice-chat-client/react";
import Link from "next/link";
import { useCallback, useEffect, useRef, useState } from "react";
import { chat } from "@/lib/chat";
import { readIgnored, saveIgnored } from "@/lib/ignored";
import { hideOwnerToken, roomPath, saveTokens, sortOwnerTokens, useTokens } from "@/lib/room-link";
import { useName } from "@/lib/use-name";
import { Composer } from "./composer";
import { CopyLink } from "./copy-link";
import { ManageRoom } from "./manage-room";
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
  wrong_url: "There is no chat at the address that this site uses.",
  left: "You have left this room.",
};

/** Whether a request has failed that is sent again: the state and the log tell that. */
function isTemporary({ code }: ChatError): boolean {
  return code === "network" || code.startsWith("http_5");
}

export function Room({ roomId }: { roomId: string }) {
  const [visitorName] = useName();
  const { token, owner } = useTokens(roomId);
  const [error, setError] = useState<ChatError | null>(null);
  const chatRoom = useRoom(chat, roomId, {
    name: visitorName,
    token,
    owner,
    ignored: readIgnored(roomId),
    onError: (failed) => isTemporary(failed) || setError(failed),
  });
  const { room, state, name, nameError, isPrivate, isLocked, ignored, isOwner, you, messages, reconnect, send } =
    chatRoom;
  // Here, because the composer is not there while the room is closed.
  const [draft, setDraft] = useState("");
  // The sequences of the messages that the visitor edits, and of that which the visitor answers.
  const [editing, setEditing] = useState<readonly number[]>([]);
  const [replyTo, setReplyTo] = useState<number | null>(null);
  const composer = useRef<HTMLTextAreaElement>(null);
  const title = name ?? "Room";

  useEffect(() => hideOwnerToken(roomId), [roomId]);
  // Whether it is known what rights the owner's token gives.
  const isJudged = you !== null || (state.status === "closed" && ["private", "locked"].includes(state.reason));
  useEffect(() => {
    if (isJudged && owner) sortOwnerTokens(roomId, owner, isOwner);
  }, [roomId, isJudged, owner, isOwner]);
  useEffect(() => room?.on("tokens", (tokens) => saveTokens(roomId, tokens)), [room, roomId]);
  useEffect(() => {
    if (room) saveIgnored(roomId, ignored);
  }, [room, roomId, ignored]);

  /** Show the error of an action that fails. The same function in each rendering, for the sake of `memo`. */
  const act = useCallback((action: Promise<unknown> | undefined) => {
    setError(null);
    action?.catch(setError);
  }, []);

  const reply = useCallback((sequence: number) => {
    setReplyTo(sequence);
    composer.current?.focus();
  }, []);
  const edit = useCallback((sequence: number) => setEditing((before) => [...before, sequence]), []);
  const endEdit = useCallback((sequence: number, movesFocus: boolean) => {
    setEditing((before) => before.filter((one) => one !== sequence));
    if (movesFocus) composer.current?.focus();
  }, []);
  function editLast() {
    const last = messages.findLast(({ isOwn }) => isOwn);
    if (last && !editing.includes(last.sequence)) edit(last.sequence);
  }

  return (
    <main className="room">
      <title>{`${title} – Chalice Chat`}</title>
      <h1 dir="auto">{title}</h1>
      <div className="row">
        <p role="status">{STATES[state.status]}</p>
        {isLocked && <p>Locked</p>}
        {state.status === "lost" && (
          <button type="button" onClick={reconnect}>
            Try now
          </button>
        )}
        {state.status !== "closed" && (
          <>
            {(token || !isPrivate) && <CopyLink path={roomPath(roomId, token)}>Copy invite link</CopyLink>}
            <button type="button" onClick={() => room?.leave()}>
              Leave
            </button>
          </>
        )}
      </div>
      {state.status !== "closed" && <Members {...chatRoom} act={act} />}
      {room && (isOwner || you?.role) && state.status !== "closed" && (
        <ManageRoom {...chatRoom} room={room} act={act} token={token} owner={owner} />
      )}
      <Messages {...chatRoom} act={act} editing={editing} onEdit={edit} onEditEnd={endEdit} onReply={reply} />
      {nameError && <p role="alert">Your name is not in use: {nameError.message}.</p>}
      {error && (
        <p role="alert">
          {error.message}{" "}
          <button type="button" onClick={() => setError(null)}>
            Close
          </button>
        </p>
      )}
      {state.status === "closed" ? (
        <p role="alert">
          {ENDINGS[state.reason]}{" "}
          {(!state.isFinal || state.reason === "left") && (
            <button type="button" onClick={reconnect}>
              Join again
            </button>
          )}{" "}
          <Link href="/rooms/">Choose another room</Link>
        </p>
      ) : (
        <Composer
          text={draft}
          onText={setDraft}
          send={send}
          room={room}
          mutedUntil={you?.mutedUntil}
          replyTo={replyTo}
          quoted={messages.find(({ sequence }) => sequence === replyTo) ?? null}
          onReplyEnd={() => setReplyTo(null)}
          onEditLast={editLast}
          ref={composer}
        />
      )}
    </main>
  );
}
