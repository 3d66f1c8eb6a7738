/** The client of the example during its tests, in place of examples/nextjs/lib/chat.ts. Each test has its own one. */

import type { ChatClient } from "chalice-chat-client";

export let chat: ChatClient;

export function setChat(client: ChatClient): void {
  chat = client;
}
