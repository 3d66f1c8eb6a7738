import type { Metadata } from "next";
import Link from "next/link";

export const metadata: Metadata = { title: "Chalice Chat" };

export default function HomePage() {
  return (
    <main className="stack">
      <h1>Rooms to talk in</h1>
      <p>Create a room, share its link, talk. A room closes after the last person has left.</p>
      <p>
        <Link href="/create/">Create a room</Link> or <Link href="/rooms/">choose one that is open</Link>.
      </p>
    </main>
  );
}
