"use client";

import { cleanName } from "chalice-chat-client";
import { useState } from "react";
import { isEnter } from "@/lib/keyboard";
import { useName } from "@/lib/use-name";

/** The visitor's name. It is saved when it is complete, because each change of it is announced in the room. */
export function NameField() {
  const [name, setName] = useName();
  const [draft, setDraft] = useState<string>();
  const typed = draft?.trim();
  const isValid = !typed || cleanName(typed) === typed;

  function save() {
    if (!isValid) return; // it stays in the field, beside the reason
    if (typed) setName(typed);
    setDraft(undefined);
  }

  return (
    <>
      <label>
        Your name{" "}
        <input
          value={draft ?? name}
          onChange={(event) => setDraft(event.target.value)}
          onBlur={save}
          onKeyDown={(event) => isEnter(event) && save()}
          autoComplete="nickname"
          placeholder="Guest"
          aria-invalid={!isValid}
        />
      </label>
      {!isValid && (
        <p role="alert">
          Not saved: a name has at most 40 characters on one line, one of them visible, and none that changes the
          direction of text. This one has {[...(typed ?? "")].length}.
        </p>
      )}
    </>
  );
}
