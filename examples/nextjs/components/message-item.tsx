"use client";

import type { Message, Room } from "chalice-chat-client";
import type { UseRoom } from "chalice-chat-client/react";
import { type FormEvent, type MouseEvent, memo, useState } from "react";
import { EditForm } from "./edit-form";
import { LinkedText } from "./linked-text";
import { LocalDay, LocalTime } from "./local-time";
import type { Acting } from "./members";
import { Person } from "./person";
import { QuotedLine, UnreadQuote } from "./quoted-line";
import { QuickReactions, Reactions } from "./reactions";

/** The functions stay the same, for the sake of `memo`. */
export interface Answering {
  onEdit: (sequence: number) => void;
  onEditEnd: (sequence: number, movesFocus: boolean) => void;
  onReply: (sequence: number) => void;
}

interface Props extends Acting, Answering, Pick<UseRoom, "loadQuote"> {
  message: Message;
  /** Whether the message is the first one of its day. */
  startsDay: boolean;
  /** Whether messages before this one were missed, and are no longer stored. */
  followsLoss: boolean;
  mayDelete: boolean;
  isEditing: boolean;
  /** The names of the other members, by their ids. */
  names: ReadonlyMap<string, string>;
  room: Room | null;
  /** Called before a button disappears that may have the focus. */
  onButtonGone: () => void;
}

/** A message that the server has stored. `memo` saves its rendering, because it rarely changes. */
export const MessageItem = memo(function MessageItem({ startsDay, followsLoss, ...props }: Props) {
  const { message, isEditing, names, room, act, loadQuote, onEditEnd, onButtonGone } = props;
  const { sequence, message: text, sender, sentAt, editedAt, replyTo, quote, isOwn, isIgnored } = message;
  const isMention = message.isMention && !isOwn;
  const [isShown, setShown] = useState(false);

  return (
    <li className={isOwn ? "own" : isMention ? "mention" : undefined}>
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
              <LocalTime of={sentAt} /> {editedAt && "(edited) "}
              {isMention && <span className="mark">mentions you</span>}
            </span>
            <Actions {...props} />
          </div>
          {replyTo !== undefined &&
            (quote === undefined ? (
              <UnreadQuote sequence={replyTo} loadQuote={loadQuote} />
            ) : (
              <QuotedLine quote={quote} />
            ))}
          {isEditing && room ? (
            <EditForm message={message} room={room} act={act} onEnd={(movesFocus) => onEditEnd(sequence, movesFocus)} />
          ) : (
            <p className="text" dir="auto">
              <LinkedText text={text} />
            </p>
          )}
          {room && <Reactions message={message} room={room} act={act} names={names} onButtonGone={onButtonGone} />}
        </>
      )}
    </li>
  );
});

/** What the visitor may do about a message: answer, edit, delete, report or ignore it, or react to it. */
function Actions(props: Omit<Props, "startsDay" | "followsLoss">) {
  const { message, mayDelete, room, act, onEdit, onReply, onButtonGone } = props;
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
        <QuickReactions message={message} room={room} act={act} />
        <button
          type="button"
          className="small"
          onClick={(event) => {
            close(event);
            onReply(sequence);
          }}
        >
          Reply
        </button>
        {isOwn && (
          <button
            type="button"
            className="small"
            onClick={(event) => {
              close(event);
              onEdit(sequence);
            }}
          >
            Edit
          </button>
        )}
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

/** Close the actions, of which one is about to move the focus elsewhere. */
function close({ currentTarget }: MouseEvent<HTMLElement>) {
  currentTarget.closest("details")?.removeAttribute("open");
}
