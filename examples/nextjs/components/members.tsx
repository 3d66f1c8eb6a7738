import type { PresentMember } from "chalice-chat-client";
import type { UseRoom } from "chalice-chat-client/react";
import { Person } from "./person";

export interface Acting {
  /** Show the error of an action that fails. */
  act: (action: Promise<unknown> | undefined) => void;
}

/**
 * The number of members, their names, and what may be done about them. In rooms of more than 100 connections, only those are
 * counted.
 */
export function Members({ room, memberCount, members, you, isOwner, ignored, act }: UseRoom & Acting) {
  if (memberCount === null) return null;
  const count = members.length || memberCount;
  const mayModerate = (member: PresentMember) => isOwner || (you?.role === "moderator" && !member.role);
  return (
    <details>
      <summary>
        {count} {count === 1 ? "person" : "people"}
      </summary>
      <ul aria-label="Members">
        {members.map((member) => (
          <li key={member.id} className="row">
            <span>
              <Person {...member} /> {member.id === you?.id && "(you)"}
            </span>
            {room && member.id !== you?.id && (
              <>
                {ignored.includes(member.id) ? (
                  <Action text="Ignore no longer" name={member.name} onClick={() => room.unignore(member.id)} />
                ) : (
                  <Action text="Ignore" name={member.name} onClick={() => room.ignore(member.id)} />
                )}
                {mayModerate(member) && member.role !== "owner" && (
                  <>
                    {member.mutedUntil ? (
                      <Action text="Unmute" name={member.name} onClick={() => act(room.muteMember(member.id, 0))} />
                    ) : (
                      <Action
                        text="Mute for 5 minutes"
                        name={member.name}
                        onClick={() => act(room.muteMember(member.id, 300))}
                      />
                    )}
                    <Action text="Remove" name={member.name} onClick={() => act(room.removeMember(member.id))} />
                  </>
                )}
                {isOwner && !member.role && (
                  <Action
                    text="Make moderator"
                    name={member.name}
                    onClick={() => act(room.setRole(member.id, "moderator"))}
                  />
                )}
                {isOwner && member.role === "moderator" && (
                  <Action
                    text="Make plain member"
                    name={member.name}
                    onClick={() => act(room.setRole(member.id, "member"))}
                  />
                )}
              </>
            )}
          </li>
        ))}
      </ul>
    </details>
  );
}

/** A button about a person. Screen readers name the person, too: the same button stands beside each. */
function Action({ text, name, onClick }: { text: string; name: string; onClick: () => void }) {
  return (
    <button type="button" className="small" aria-label={`${text}: ${name}`} onClick={onClick}>
      {text}
    </button>
  );
}
