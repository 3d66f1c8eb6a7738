"use client";

import { hasGlyph } from "chalice-chat-client";
import type { UseRoom } from "chalice-chat-client/react";
import { type FormEvent, type KeyboardEvent, useState } from "react";

interface Props extends Pick<UseRoom, "send"> {
  /** The time until which the visitor may not write. */
  mutedUntil: string | undefined;
}

export function Composer({ send, mutedUntil }: Props) {
  const [text, setText] = useState("");

  function submit(event: FormEvent) {
    event.preventDefault();
    if (!hasGlyph(text) || mutedUntil) return;
    void send(text); // a message that fails stays in `pending`
    setText("");
  }

  function submitOnEnter(event: KeyboardEvent<HTMLTextAreaElement>) {
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    event.currentTarget.form?.requestSubmit();
  }

  return (
    <form className="row" onSubmit={submit}>
      <textarea
        aria-label="Message"
        placeholder="Write a message"
        rows={2}
        maxLength={4000}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={submitOnEnter}
      />
      <button type="submit" disabled={mutedUntil !== undefined}>
        Send
      </button>
      {mutedUntil && <p role="status">You are muted until {new Date(mutedUntil).toLocaleString()}.</p>}
    </form>
  );
}
