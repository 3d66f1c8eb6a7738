import type { Metadata } from "next";
import { RoomList } from "@/components/room-list";

export const metadata: Metadata = { title: "Rooms – Chalice Chat" };

export default function RoomsPage() {
  return (
    <main className="stack">
      <h1>Rooms</h1>
      <RoomList />
    </main>
  );
}
