/** The line above the field of the composer that says who is typing. */

import type { Member } from "chalice-chat-client";
import { byId, make, setText } from "./dom.js";

const line = byId("typing", HTMLElement);

/** Show who is typing. */
export function showTyping([first, second, ...others]: readonly Member[]): void {
  const name = (member: Member) => make("bdi", "", member.name);
  if (others.length) setText(line, "Several people are typing…");
  else if (first && second) setText(line, name(first), " and ", name(second), " are typing…");
  else setText(line, ...(first ? [name(first), " is typing…"] : []));
}
