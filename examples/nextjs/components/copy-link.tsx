"use client";

import { useState } from "react";

export function InviteLink() {
  const [note, setNote] = useState("");

  async function copy() {
    try {
      await navigator.clipboard.writeText(window.location.href);
      setNote("Copied");
    } catch {
      setNote("Copy the address of this page.");
    }
  }

  return (
    <>
      <button type="button" onClick={copy}>
        Copy invite link
      </button>
      <span role="status">{note}</span>
    </>
  );
}
