"use client";

import { useState } from "react";
import { useName } from "@/lib/use-name";

/** The visitor's name. It is saved when it is complete, because each change of it is announced in the room. */
export function NameField() {
  const [name, setName] = useName();
  const [draft, setDraft] = useState<string>();

  function save() {
    if (draft !== undefined) setName(draft);
    setDraft(undefined);
  }

  return (
    <label>
      Your name{" "}
      <input
        value={draft ?? name}
        onChange={(event) => setDraft(event.target.value)}
        onBlur={save}
        onKeyDown={(event) => event.key === "Enter" && save()}
        autoComplete="nickname"
        placeholder="Guest"
      />
    </label>
  );
}
