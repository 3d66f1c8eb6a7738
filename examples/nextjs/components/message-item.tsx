"use client";

import type { Message, Room } from "chalice-chat-client";
import { type FormEvent, memo, useState } from "react";
import { LinkedText } from "./linked-text";
import { LocalDay, LocalTime } from "./local-time";
import type { Acting } from "./members";
import { Person } from "./person";

interface Props extends Acting {
  message: Message;
  /** Whether the message is the first one of its day. */
  startsDay: boolean;
  /** Whether messages before this one were missed, and are no longer stored. */
  followsLoss: boolean;
  mayDelete: boolean;
  room: Room | null;
  /** Called before a button disappears that may have the focus. */
  onButtonGone: () => void;
}

/** A message that the server has stored. `memo` saves its rendering, because it rarely changes. */
export const MessageItem = memo(function MessageItem({ startsDay, followsLoss, ...props }: Props) {
  const { message, onButtonGone } = props;
  const { message: text, sender, sentAt, isOwn, isIgnored } = message;
  const [isShown, setShown] = useState(false);

  return (
    <li className={isOwn ? "own" : undefined}>
      {startsDay && (
        <p className="separator">
          <LocalDay of={sentAt} />
        </p>
      )}
      {followsLoss && <p className="separator">Some messages that you have missed are no longer stored.</p>}
      {isIgnored && !isShown ? (
        <p className="note">
          A message of somebody whom you ignore{" "}
          <button
            type="button"
            className="small"
            onClick={() => {
              onButtonGone();
              setShown(true);
            }}
          >
            Show
          </button>
        </p>
      ) : (
        <>
          <div className="note row">
            <span>
              <Person {...sender} /> {isOwn && "(you) "}
              <LocalTime of={sentAt} />
            </span>
            <Actions {...props} />
          </div>
          <p className="text" dir="auto">
            <LinkedText text={text} />
          </p>
        </>
      )}
    </li>
  );
});

/** What the visitor may do about a message: delete, report or ignore it. */
function Actions({ message, mayDelete, room, act, onButtonGone }: Omit<Props, "startsDay" | "followsLoss">) {
  const { sequence, sender, isOwn, isIgnored } = message;
  const [isReported, setReported] = useState(false);
  if (!room) return null;

  function report(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const reason = String(new FormData(event.currentTarget).get("reason")).trim();
    act(room?.reportMessage(sequence, reason || undefined).then(() => setReported(true)));
  }

  return (
    <details className="actions">
      <summary aria-label={isOwn ? "Actions: your message" : `Actions: message of ${sender.name}`}>⋯</summary>
      <div className="row">
        {mayDelete && (
          <button
            type="button"
            className="small"
            onClick={() => {
              act(room.deleteMessage(sequence));
              onButtonGone();
            }}
          >
            Delete
          </button>
        )}
        {!isOwn && (
          <>
            <button
              type="button"
              className="small"
              onClick={() => {
                if (isIgnored) room.unignore(sender.id);
                else room.ignore(sender.id);
                onButtonGone();
              }}
            >
              {isIgnored ? "Ignore no longer" : "Ignore this person"}
            </button>
            {isReported ? (
              <p role="status">Reported to the owner and the moderators.</p>
            ) : (
              <form className="row" onSubmit={report}>
                <input name="reason" aria-label="Reason of the report" placeholder="Reason, if you like" />
                <button type="submit" className="small">
                  Report
                </button>
              </form>
            )}
          </>
        )}
      </div>
    </details>
  );
}
