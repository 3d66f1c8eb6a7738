import type { Member } from "chalice-chat-client";

/** Who else is typing. Not announced: it changes too often. */
export function Typists({ members: [first, second, third] }: { members: readonly Member[] }) {
  return (
    <p className="note typists">
      {first && !third && (
        <>
          <bdi>{first.name}</bdi>
          {second && (
            <>
              {" and "}
              <bdi>{second.name}</bdi>
            </>
          )}
          {second ? " are typing…" : " is typing…"}
        </>
      )}
      {third && "Several people are typing…"}
    </p>
  );
}
