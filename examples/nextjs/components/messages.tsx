"use client";

import type { UseRoom } from "chalice-chat-client/react";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { dayOf } from "./local-time";
import type { Acting } from "./members";
import { type Answering, MessageItem } from "./message-item";
import { PendingItem } from "./pending-item";

const HISTORY = { loading: "Loading messages…", failed: "The messages could not be loaded. Trying again…", ready: "" };
const OLDER = { more: "Show earlier messages", loading: "Loading…", failed: "Not loaded. Try again" };

const NONE: ReadonlySet<number> = new Set();

interface Props extends UseRoom, Acting, Answering {
  /** The sequences of the messages that the visitor edits. */
  editing: readonly number[];
}

/** The log of a room: its history, what has arrived since then, and what has not been sent yet. */
export function Messages(props: Props) {
  const { room, state, messages, pending, history, older, isOwner, you, members } = props;
  const { loadOlder, loadQuote, retry, discard, act, editing, onEdit, onEditEnd, onReply } = props;
  const log = useRef<HTMLDivElement>(null);
  // Screen readers announce the messages from this sequence on: those that have not been read as history.
  const [liveFrom, setLiveFrom] = useState(Number.POSITIVE_INFINITY);
  // The sequences of those that have arrived below what the visitor reads.
  const [arrived, setArrived] = useState<ReadonlySet<number>>(NONE);
  const [lostAfter, setLostAfter] = useState(Number.POSITIVE_INFINITY);
  useEffect(() => {
    const stops = [
      room?.on("message", ({ sequence, isOwn }) => {
        setLiveFrom((first) => Math.min(first, sequence));
        if (!isOwn && !isAtEnd(log.current)) setArrived((before) => new Set(before).add(sequence));
      }),
      room?.on("expired", ({ after }) => setLostAfter(after)),
    ];
    return () => {
      for (const stop of stops) stop?.();
    };
  }, [room]);
  const newest = pending.at(-1)?.clientId;
  useEffect(() => {
    if (newest && log.current) log.current.scrollTop = 0; // show the visitor's own new message
  }, [newest]);

  const focusLog = useCallback(() => log.current?.focus(), []);
  function showEnd() {
    if (log.current) log.current.scrollTop = 0;
    focusLog();
  }

  const names = useMemo(
    () => new Map(members.filter(({ id }) => id !== you?.id).map(({ id, name }) => [id, name])),
    [members, you?.id],
  );
  const firstAfterLoss = messages.find(({ sequence }) => sequence > lostAfter);
  const items = messages.map((message, index) => (
    <MessageItem
      key={message.sequence}
      message={message}
      startsDay={dayOf(message.sentAt) !== dayOf(messages[index - 1]?.sentAt ?? "")}
      followsLoss={message === firstAfterLoss}
      mayDelete={message.isOwn || isOwner || (you?.role === "moderator" && !message.sender.role)}
      isEditing={editing.includes(message.sequence)}
      names={names}
      room={room}
      act={act}
      loadQuote={loadQuote}
      onEdit={onEdit}
      onEditEnd={onEditEnd}
      onReply={onReply}
      onButtonGone={focusLog}
    />
  ));
  // Not those that were deleted since.
  const unseen =
    arrived.size && messages.filter(({ sequence, isIgnored }) => arrived.has(sequence) && !isIgnored).length;
  const live = messages.findLastIndex(({ sequence }) => sequence < liveFrom) + 1;

  return (
    <>
      <div
        className="log"
        role="log"
        aria-label="Messages"
        tabIndex={0}
        ref={log}
        onScroll={() => isAtEnd(log.current) && setArrived(NONE)}
      >
        <div>
          {state.status !== "closed" && <p>{HISTORY[history]}</p>}
          {older !== "none" && (
            <button
              type="button"
              className="older"
              onClick={() => {
                void loadOlder();
                focusLog();
              }}
            >
              {OLDER[older]}
            </button>
          )}
          <ol aria-live="off">{items.slice(0, live)}</ol>
          <ol>{items.slice(live)}</ol>
          <ol aria-live="off">
            {pending.map((message) => (
              <PendingItem
                key={message.clientId}
                {...message}
                quoted={messages.find(({ sequence }) => sequence === message.replyTo)}
                onRetry={() => {
                  void retry(message.clientId); // if it fails again, it says so itself
                  focusLog();
                }}
                onDiscard={() => {
                  discard(message.clientId);
                  focusLog();
                }}
              />
            ))}
          </ol>
        </div>
      </div>
      <p role="status">
        {unseen > 0 && (
          <button type="button" onClick={showEnd}>
            {unseen === 1 ? "1 new message" : `${unseen} new messages`}
          </button>
        )}
      </p>
    </>
  );
}

/** Return whether the newest message is visible. In a reversed column, scrolling begins with 0 at the end. */
function isAtEnd(log: HTMLElement | null): boolean {
  return !log || log.scrollTop > -40;
}
