import type { Message, PendingMessage } from "chalice-chat-client";
import { QuotedLine } from "./quoted-line";

const STATES = {
  sending: "Sending…",
  queued: "Waiting",
  offline: "Waiting for the connection",
  held: "A lot at once: sent in a moment",
};

interface Props extends PendingMessage {
  /** The message that it answers, if that is loaded. */
  quoted: Message | undefined;
  onRetry: () => void;
  onDiscard: () => void;
}

/** A message of the visitor that the server has not confirmed yet. */
export function PendingItem({ message, status, error, quoted, onRetry, onDiscard }: Props) {
  return (
    <li className="own">
      {quoted && <QuotedLine quote={quoted} />}
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
