"use client";

import type { UseRoom } from "chalice-chat-client/react";
import { useEffect, useRef, useState } from "react";
import { MessageItem, PendingItem } from "./message-items";

const HISTORY = { loading: "Loading messages…", failed: "The messages could not be loaded. Trying again…", ready: "" };
const OLDER = { more: "Show earlier messages", loading: "Loading…", failed: "Not loaded. Try again" };

/** The log of a room: its history, what has arrived since then, and what has not been sent yet. */
export function Messages({ room, state, messages, pending, history, older, loadOlder, retry, discard }: UseRoom) {
  const log = useRef<HTMLDivElement>(null);
  // Screen readers announce the messages from this sequence on: those that have not been read as history.
  const [liveFrom, setLiveFrom] = useState(Number.POSITIVE_INFINITY);
  useEffect(() => room?.on("message", ({ sequence }) => setLiveFrom((first) => Math.min(first, sequence))), [room]);

  function act(action: () => unknown) {
    void action();
    log.current?.focus(); // the button with the focus disappears
  }

  return (
    <div className="log" role="log" aria-label="Messages" tabIndex={0} ref={log}>
      <div>
        {state.status !== "closed" && <p>{HISTORY[history]}</p>}
        {older !== "none" && (
          <button type="button" onClick={() => act(loadOlder)}>
            {OLDER[older]}
          </button>
        )}
        <ol aria-live="off">
          {messages.map(
            (message) => message.sequence < liveFrom && <MessageItem key={message.sequence} {...message} />,
          )}
        </ol>
        <ol>
          {messages.map(
            (message) => message.sequence >= liveFrom && <MessageItem key={message.sequence} {...message} />,
          )}
        </ol>
        <ol aria-live="off">
          {pending.map((message) => (
            <PendingItem
              key={message.clientId}
              {...message}
              onRetry={() => act(() => retry(message.clientId))}
              onDiscard={() => act(() => discard(message.clientId))}
            />
          ))}
        </ol>
      </div>
    </div>
  );
}
