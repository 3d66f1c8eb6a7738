"use client";

import { hasGlyph } from "chalice-chat-client";
import type { UseRoom } from "chalice-chat-client/react";
import { type FormEvent, type KeyboardEvent, useState } from "react";
import { isEnter } from "@/lib/keyboard";
import { LocalTime } from "./local-time";

const MAX_LENGTH = 4_000;

interface Props extends Pick<UseRoom, "send"> {
  /** The time until which the visitor may not write. */
  mutedUntil: string | undefined;
}

export function Composer({ send, mutedUntil }: Props) {
  const [text, setText] = useState("");
  // As the server counts: an emoji is one character. `maxLength` would count two, and cut what is pasted without a word.
  const surplus = [...text].length - MAX_LENGTH;

  function submit(event: FormEvent) {
    event.preventDefault();
    if (!hasGlyph(text) || surplus > 0 || mutedUntil) return;
    void send(text); // a message that fails stays in `pending`
    setText("");
  }

  function submitOnEnter(event: KeyboardEvent<HTMLTextAreaElement>) {
    // With a touch keyboard, which has no Shift+Enter, Enter breaks the line.
    if (!isEnter(event) || event.shiftKey || matchMedia("(pointer: coarse)").matches) return;
    event.preventDefault();
    event.currentTarget.form?.requestSubmit();
  }

  return (
    <form className="row" onSubmit={submit}>
      <textarea
        aria-label="Message"
        placeholder="Write a message"
        rows={2}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={submitOnEnter}
      />
      <button type="submit" disabled={mutedUntil !== undefined}>
        Send
      </button>
      {surplus > 0 && (
        <p role="alert">
          A message has at most {MAX_LENGTH} characters. Please shorten this one by {surplus}.
        </p>
      )}
      {mutedUntil && (
        <p role="status">
          You are muted until <LocalTime of={mutedUntil} withDate />.
        </p>
      )}
    </form>
  );
}
