import Link from "next/link";
import type { ReactNode } from "react";
import { NameField } from "@/components/name-field";
import "./globals.css";

export default function Layout({ children }: { children: ReactNode }) {
  return (
    <html lang="en">
      <body>
        <header className="row">
          <nav className="row">
            <Link href="/">Chalice Chat</Link>
            <Link href="/rooms/">Rooms</Link>
            <Link href="/create/">Create</Link>
          </nav>
          <NameField />
        </header>
        {children}
      </body>
    </html>
  );
}
