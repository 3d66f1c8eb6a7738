import { ChatClient } from "chalice-chat-client";

const url = process.env.NEXT_PUBLIC_CHAT_URL;
if (!url) throw new Error("expected the REST address in NEXT_PUBLIC_CHAT_URL: see .env.example");

/** The client of the whole application. Creating it sends no request, so that pages can be prerendered. */
export const chat = new ChatClient({ url });
