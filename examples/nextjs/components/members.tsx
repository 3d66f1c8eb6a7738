import type { UseRoom } from "chalice-chat-client/react";
import { Person } from "./person";

/** The number of members, and their names. In rooms of more than 100 connections, only those are counted. */
export function Members({ memberCount, members, you }: UseRoom) {
  if (memberCount === null) return null;
  const count = members.length || memberCount;
  return (
    <details>
      <summary>
        {count} {count === 1 ? "person" : "people"}
      </summary>
      <ul aria-label="Members">
        {members.map((member) => (
          <li key={member.id}>
            <Person {...member} /> {member.id === you?.id && "(you)"}
          </li>
        ))}
      </ul>
    </details>
  );
}
