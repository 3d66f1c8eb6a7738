import type { Metadata } from "next";
import { CreateRoom } from "@/components/create-room";

export const metadata: Metadata = { title: "Create a room – Chalice Chat" };

export default function CreatePage() {
  return (
    <main className="stack">
      <h1>Create a room</h1>
      <CreateRoom />
    </main>
  );
}
