"use client";

import { redirect, useSearchParams } from "next/navigation";
import { Suspense } from "react";
import { Room } from "@/components/room";

// A static export cannot know the ids of rooms, so they are in the query string, which is known only in the browser.
export default function RoomPage() {
  return (
    <Suspense fallback={<p>Opening the room…</p>}>
      <RoomOfAddress />
    </Suspense>
  );
}

function RoomOfAddress() {
  const id = useSearchParams().get("id");
  if (!id) redirect("/rooms/");
  return <Room key={id} roomId={id} />;
}
