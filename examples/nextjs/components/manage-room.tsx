"use client";

import type { Ban, Room, StoredReport } from "chalice-chat-client";
import type { UseRoom } from "chalice-chat-client/react";
import { type FormEvent, useState } from "react";
import { roomPath } from "@/lib/room-link";
import { CopyLink } from "./copy-link";
import { LocalTime } from "./local-time";
import type { Acting } from "./members";

interface Props extends UseRoom, Acting {
  room: Room;
  token: string | null;
  owner: string | null;
}

/** What the owner of a room may do about it, and what moderators may read. */
export function ManageRoom(props: Props) {
  return (
    <details>
      <summary>Manage room</summary>
      <div className="stack">
        {props.isOwner && <Settings {...props} />}
        {props.isOwner && <Links {...props} />}
        <Reports {...props} />
        {props.isOwner && <Bans {...props} />}
        {props.isOwner && <Closing {...props} />}
      </div>
    </details>
  );
}

function Settings({ room, name, isLocked, keepDays, slowSeconds, act }: Props) {
  function save(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    act(
      room.update({
        name: String(form.get("name")),
        locked: form.has("locked"),
        keepDays: Number(form.get("keepDays")),
        slowSeconds: Number(form.get("slowSeconds")),
      }),
    );
  }

  // The keys fill the fields anew that were changed elsewhere, and leave alone what is typed in the others.
  return (
    <form className="row" onSubmit={save}>
      <label>
        Name <input name="name" required defaultValue={name ?? ""} key={name} />
      </label>
      <label>
        <input name="locked" type="checkbox" defaultChecked={isLocked} key={String(isLocked)} /> Locked: nobody new can
        enter
      </label>
      <label>
        Days to keep it when everyone has left{" "}
        <input name="keepDays" type="number" min={0} max={30} required defaultValue={keepDays} key={keepDays} />
      </label>
      <label>
        Seconds between two messages of a member{" "}
        <input
          name="slowSeconds"
          type="number"
          min={0}
          max={120}
          required
          defaultValue={slowSeconds}
          key={slowSeconds}
        />
      </label>
      <button type="submit">Save</button>
    </form>
  );
}

/** Links that make their visitors members or owners. A new one ends the former one; the room saves it by the event `tokens`. */
function Links({ room, isPrivate, token, owner, act }: Props) {
  return (
    <div className="row">
      {owner && <CopyLink path={roomPath(room.roomId, token, owner)}>Copy owner’s link</CopyLink>}
      <button type="button" onClick={() => act(room.renewTokens({ owner: true }))}>
        New owner’s link
      </button>
      {isPrivate && (
        <button type="button" onClick={() => act(room.renewTokens({ join: true }))}>
          New invite link
        </button>
      )}
    </div>
  );
}

/** The messages that members have reported. They are read on request. */
function Reports({ room, messages, act }: Props) {
  const [reports, setReports] = useState<readonly StoredReport[]>();
  const textOf = (sequence: number) => messages.find((message) => message.sequence === sequence)?.message;
  return (
    <div>
      <button type="button" onClick={() => act(room.reports().then(setReports))}>
        Show reported messages
      </button>
      <ul aria-label="Reported messages">
        {reports?.length === 0 && <li>No message was reported.</li>}
        {reports?.map(({ target, reason, sender, sentAt }) => (
          <li key={`${target} ${sender.id}`}>
            <bdi>{sender.name}</bdi> reported <q>{textOf(target) ?? "a message that is deleted, or not loaded"}</q>
            {reason && `: ${reason}`} (<LocalTime of={sentAt} withDate />)
          </li>
        ))}
      </ul>
    </div>
  );
}

/** The people who were removed and may not come back yet. */
function Bans({ room, act }: Props) {
  const [bans, setBans] = useState<readonly Ban[]>();
  const readBans = () => room.bans().then(setBans);
  return (
    <div>
      <button type="button" onClick={() => act(readBans())}>
        Show removed people
      </button>
      <ul aria-label="Removed people">
        {bans?.length === 0 && <li>Nobody is kept out.</li>}
        {bans?.map(({ id, name, until }) => (
          <li key={id}>
            <bdi>{name}</bdi>, until <LocalTime of={until} withDate />{" "}
            <button type="button" className="small" onClick={() => act(room.unbanMember(id).then(readBans))}>
              Let back in
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}

function Closing({ room, act }: Props) {
  const [isAsking, setAsking] = useState(false);
  return (
    <div className="row">
      {isAsking ? (
        <>
          Everyone has to leave, and all messages are deleted.
          <button type="button" onClick={() => act(room.close())}>
            Close it for everyone
          </button>
          <button type="button" onClick={() => setAsking(false)}>
            Keep it open
          </button>
        </>
      ) : (
        <button type="button" onClick={() => setAsking(true)}>
          Close room…
        </button>
      )}
    </div>
  );
}
