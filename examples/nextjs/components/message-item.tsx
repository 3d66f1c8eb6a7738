import type { Message, PendingMessage } from "chalice-chat-client";
import { memo } from "react";
import { Person } from "./person";

const STATES = {
  sending: "Sending…",
  queued: "Waiting",
  offline: "Waiting for the connection",
  held: "A lot at once: sent in a moment",
};

/** A message that the server has stored. `memo` saves its rendering, because it rarely changes. */
export const MessageItem = memo(function MessageItem({ message, sender, sentAt, isOwn }: Message) {
  return (
    <li className={isOwn ? "own" : undefined}>
      <p className="note">
        <Person {...sender} /> {isOwn && "(you) "}
        <time dateTime={sentAt}>{new Date(sentAt).toLocaleTimeString([], { timeStyle: "short" })}</time>
      </p>
      <p className="text" dir="auto">
        {message}
      </p>
    </li>
  );
});

interface Actions {
  onRetry: () => void;
  onDiscard: () => void;
}

/** A message of the visitor that the server has not confirmed yet. */
export function PendingItem({ message, status, error, onRetry, onDiscard }: PendingMessage & Actions) {
  return (
    <li className="own">
      <p className="text" dir="auto">
        {message}
      </p>
      {status === "failed" ? (
        <p className="note" role="alert">
          Not sent: {error?.message}{" "}
          <button type="button" onClick={onRetry}>
            Try again
          </button>{" "}
          <button type="button" onClick={onDiscard}>
            Discard
          </button>
        </p>
      ) : (
        <p className="note">{STATES[status]}</p>
      )}
    </li>
  );
}
