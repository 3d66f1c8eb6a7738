"use client";

import { useState } from "react";

/** A button that copies a link of this site. */
export function CopyLink({ path, children }: { path: string; children: string }) {
  const [note, setNote] = useState("");
  const link = () => new URL(path, window.location.href).href;

  async function copy() {
    try {
      await navigator.clipboard.writeText(link());
      setNote("Copied");
    } catch {
      setNote(`Copy this: ${link()}`);
    }
  }

  return (
    <>
      <button type="button" onClick={copy}>
        {children}
      </button>
      <span role="status">{note}</span>
    </>
  );
}
