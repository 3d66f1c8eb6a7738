import type { Message, Reaction, Room } from "chalice-chat-client";
import type { Acting } from "./members";

const QUICK = ["👍", "❤️", "😂", "🎉", "😮", "😢"];

interface Props extends Acting {
  message: Message;
  room: Room;
}

interface ChipProps extends Props {
  /** The names of the members, by their ids. */
  names: ReadonlyMap<string, string>;
  /** Called before a button disappears that may have the focus. */
  onButtonGone: () => void;
}

/** The reactions to a message. Each is a button, which adds or removes the visitor's own. */
export function Reactions({ message: { sequence, reactions }, room, act, names, onButtonGone }: ChipProps) {
  if (reactions.length === 0) return null;
  return (
    <div className="row reactions" aria-live="off">
      {reactions.map(({ reaction, count, members, isOwn }) => {
        const who = listNames({ count, members, isOwn }, names);
        return (
          <button
            key={reaction}
            type="button"
            className="small"
            aria-pressed={isOwn}
            aria-label={`${reaction} ${count}: ${who}`}
            title={who}
            onClick={() => {
              if (isOwn && count === 1) onButtonGone();
              act(room.react(sequence, reaction, { remove: isOwn }));
            }}
          >
            {reaction} {count}
          </button>
        );
      })}
    </div>
  );
}

/** The reactions that are one click away. */
export function QuickReactions({ message: { sequence, reactions }, room, act }: Props) {
  const own = reactions.filter(({ isOwn }) => isOwn).map(({ reaction }) => reaction);
  return QUICK.map((reaction) => (
    <button
      key={reaction}
      type="button"
      className="small"
      aria-pressed={own.includes(reaction)}
      aria-label={`React with ${reaction}`}
      onClick={() => act(room.react(sequence, reaction, { remove: own.includes(reaction) }))}
    >
      {reaction}
    </button>
  ));
}

/** Return who has a reaction: "You, Bo and 2 others". Members who have left may not be known by name. */
function listNames({ count, members, isOwn }: Omit<Reaction, "reaction">, names: ChipProps["names"]): string {
  const known = members.flatMap((id) => names.get(id) ?? []);
  const all = isOwn ? ["You", ...known] : known;
  const unknown = count - all.length;
  if (unknown > 0) all.push(`${unknown} ${unknown === 1 ? "other" : "others"}`);
  return new Intl.ListFormat("en").format(all);
}
