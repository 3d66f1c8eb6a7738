/** An application as somebody writes it who tries the library for the first time. */

import { type FormEvent, useState } from "react";
import type { ChatClient } from "../src/index.js";
import { useRoom } from "../src/react.js";

/** Who is signed in, in an application whose server has a session. */
export interface Session {
  user: string;
}

export function App({ client, session }: { client: ChatClient; session: Session }) {
  const [user, setUser] = useState(session.user);
  const [roomId, setRoomId] = useState("r1");

  function switchTo(next: string) {
    session.user = next;
    setUser(next);
  }

  return (
    <main>
      <select aria-label="User" value={user} onChange={(event) => switchTo(event.target.value)}>
        <option>aki</option>
        <option>bo</option>
      </select>
      <input aria-label="Room" value={roomId} onChange={(event) => setRoomId(event.target.value)} />
      <Chat key={user} client={client} user={user} roomId={roomId} />
    </main>
  );
}

function Chat({ client, user, roomId }: { client: ChatClient; user: string; roomId: string }) {
  const [name, setName] = useState(user);
  const [text, setText] = useState("");
  const [notices, setNotices] = useState<string[]>([]);
  const { state, you, messages, pending, nameError, send } = useRoom(client, roomId || null, {
    name,
    onNotice: ({ message }) => setNotices((before) => [...before, message]),
    onError: ({ message }) => setNotices((before) => [...before, message]),
  });

  function submit(event: FormEvent) {
    event.preventDefault();
    void send(text);
    setText("");
  }

  return (
    <form onSubmit={submit}>
      <p role="status">
        {user}: {state.status}
      </p>
      <p id="you">{you?.name}</p>
      <input aria-label="Name" value={name} onChange={(event) => setName(event.target.value)} />
      {nameError && <p role="alert">{nameError.message}</p>}
      <ol>
        {messages.map(({ sequence, sender, message }) => (
          <li key={sequence}>{`${sender.name}: ${message}`}</li>
        ))}
        {pending.map(({ clientId, message, status }) => (
          <li key={clientId}>{`${message} (${status})`}</li>
        ))}
      </ol>
      <input aria-label="Message" value={text} onChange={(event) => setText(event.target.value)} />
      <ul>
        {notices.map((notice) => (
          <li key={notice}>{notice}</li>
        ))}
      </ul>
    </form>
  );
}
