import type { PresentMember } from "chalice-chat-client";

/** The name of a person, with marks: others may take the same name, but not the marks. */
export function Person({ name, role, verified, bot, mutedUntil }: PresentMember) {
  return (
    <>
      <bdi>{name}</bdi>
      {role && <Mark text={role} />}
      {verified && (
        <>
          {" "}
          <span className="mark" role="img" aria-label="signed in" title="Signed in: the name is that of the account">
            ✓
          </span>
        </>
      )}
      {bot && <Mark text="bot" />}
      {mutedUntil && <Mark text="muted" />}
    </>
  );
}

function Mark({ text }: { text: string }) {
  return (
    <>
      {" "}
      <span className="mark">{text}</span>
    </>
  );
}
