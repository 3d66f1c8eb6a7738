"use client";

import type { Message, Room } from "chalice-chat-client";
import { type FormEvent, type KeyboardEvent, useEffect, useRef, useState } from "react";
import { isComposing } from "@/lib/keyboard";
import { isSendable } from "@/lib/message-text";
import type { Acting } from "./members";
import { MessageField } from "./message-field";

interface Props extends Acting {
  message: Message;
  room: Room;
  /** Called when the message is changed, or the visitor has cancelled that. */
  onEnd: (movesFocus: boolean) => void;
}

/** The text of one's own message, to change it. It stays if that fails. */
export function EditForm({ message: { sequence, message }, room, act, onEnd }: Props) {
  const [text, setText] = useState(message);
  const [isSaving, setSaving] = useState(false);
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => field.current?.focus(), []);

  function end() {
    const { activeElement } = document;
    onEnd(activeElement === field.current || !(activeElement instanceof HTMLTextAreaElement)); // who writes elsewhere stays there
  }

  function save(event: FormEvent) {
    event.preventDefault();
    if (!isSendable(text) || isSaving) return;
    if (text === message) {
      end();
      return;
    }
    setSaving(true);
    act(
      room
        .edit(sequence, text)
        .then(end)
        .finally(() => setSaving(false)),
    );
  }

  function onKey(event: KeyboardEvent) {
    if (event.key === "Escape" && !isComposing(event)) end();
  }

  return (
    <form className="row" aria-live="off" onSubmit={save}>
      <MessageField label="Text of your message" text={text} onText={setText} onKey={onKey} ref={field} />
      <button type="submit" disabled={isSaving}>
        Save
      </button>
      <button type="button" onClick={end}>
        Cancel
      </button>
    </form>
  );
}
