"use client";

import type { Message, Room } from "chalice-chat-client";
import { type UseRoom, useTyping } from "chalice-chat-client/react";
import type { FormEvent, KeyboardEvent, RefObject } from "react";
import { isComposing } from "@/lib/keyboard";
import { isSendable } from "@/lib/message-text";
import { LocalTime } from "./local-time";
import { MessageField } from "./message-field";
import { QuotedLine } from "./quoted-line";
import { Typists } from "./typists";

interface Props extends Pick<UseRoom, "send"> {
  text: string;
  onText: (text: string) => void;
  room: Room | null;
  /** The time until which the visitor may not write. */
  mutedUntil: string | undefined;
  /** The sequence of the message that the visitor answers. */
  replyTo: number | null;
  /** That message, null if it does not exist any more. */
  quoted: Message | null;
  onReplyEnd: () => void;
  onEditLast: () => void;
  ref: RefObject<HTMLTextAreaElement | null>;
}

export function Composer(props: Props) {
  const { text, onText, send, room, mutedUntil, replyTo, quoted, onReplyEnd, onEditLast, ref } = props;
  const { members, type } = useTyping(room);

  function submit(event: FormEvent) {
    event.preventDefault();
    if (!isSendable(text) || mutedUntil) return;
    void send(text, { replyTo: replyTo ?? undefined }); // a message that fails stays in `pending`
    onText("");
    onReplyEnd();
  }

  function change(changed: string) {
    onText(changed);
    if (changed) type();
  }

  function onKey(event: KeyboardEvent) {
    if (isComposing(event)) return;
    if (event.key === "Escape") onReplyEnd();
    if (event.key !== "ArrowUp" || text) return;
    event.preventDefault();
    onEditLast();
  }

  return (
    <form className="row" onSubmit={submit}>
      {replyTo !== null && (
        <div className="row reply">
          <span>Reply to</span>
          <QuotedLine quote={quoted} />
          <button
            type="button"
            className="small"
            onClick={() => {
              onReplyEnd();
              ref.current?.focus();
            }}
          >
            Cancel reply
          </button>
        </div>
      )}
      <MessageField label="Message" placeholder="Write a message" text={text} onText={change} onKey={onKey} ref={ref} />
      <button type="submit" disabled={mutedUntil !== undefined}>
        Send
      </button>
      <Typists members={members} />
      {mutedUntil && (
        <p role="status">
          You are muted until <LocalTime of={mutedUntil} withDate />.
        </p>
      )}
    </form>
  );
}
