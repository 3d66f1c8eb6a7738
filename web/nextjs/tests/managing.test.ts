/** The owner of a room in the Next.js example, and the members to whom things happen. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { FakeRoom } from "chalice-chat-client/testing";
import {
  alerts,
  buttons,
  client,
  composer,
  fieldNamed,
  fill,
  find,
  happen,
  members,
  open,
  openActions,
  press,
  requests,
  say,
  status,
  texts,
  useExample,
  wait,
} from "./setup.js";

useExample();

const items = (list: string) =>
  [...document.querySelectorAll(`[aria-label="${list}"] li`)].map(({ textContent }) => textContent);

/** Enter a room as its owner, with Bo in it and the settings open. */
async function manage(isPrivate = false): Promise<FakeRoom> {
  const tea = client.room("tea", { private: isPrivate });
  tea.join("Bo");
  await open("/room/?id=tea#owner=owner-of-tea");
  await press("Manage room");
  return tea;
}

test("the owner changes the name, the lock and the limits of the room", async () => {
  const tea = await manage();
  await fill(fieldNamed("Name"), "Coffee");
  await fill(fieldNamed("Days to keep"), "2");
  await fill(fieldNamed("Seconds between"), "5");
  await happen(() => fieldNamed("Locked").click());
  await press("Save");
  assert.deepEqual(requests(tea, "updateRoom"), [{ roomName: "Coffee", locked: true, keepDays: 2, slowSeconds: 5 }]);
  assert.deepEqual([find("h1").textContent, find("main > div.row > p:not([role])").textContent], ["Coffee", "Locked"]);
  await happen(() => fieldNamed("Locked").click());
  await press("Save");
  assert.equal(document.querySelector("main > div.row > p:not([role])"), null);
});

test("a setting that changes on another device leaves alone what the owner types in the others", async () => {
  await manage();
  await fill(fieldNamed("Name"), "Coffee");
  const desk = client.join("tea", { owner: "owner-of-tea" });
  await wait();
  await happen(() => void desk.update({ keepDays: 2 }));
  assert.deepEqual([fieldNamed("Days to keep").value, fieldNamed("Name").value], ["2", "Coffee"]);
  await happen(() => void desk.update({ name: "Cocoa" }));
  desk.leave();
  assert.equal(fieldNamed("Name").value, "Cocoa");
});

test("a new invite link is in the address, and keeps the connection", async () => {
  const tea = await manage(true);
  const sockets = [...tea.sockets];
  await press("New invite link");
  await wait(500);
  assert.deepEqual([location.hash, tea.joinToken], ["#token=join-tea-new", "join-tea-new"]);
  assert.deepEqual([[...tea.sockets], status()], [sockets, "Connected"]);
});

test("a new owner's link is kept in the browser only, and keeps the connection", async () => {
  const tea = await manage();
  const sockets = [...tea.sockets];
  await press("New owner’s link");
  await wait(500);
  assert.deepEqual([[...tea.sockets], location.hash], [sockets, ""]);
  await open("/");
  await open("/room/?id=tea");
  assert.equal(buttons("Manage room").length, 1);
});

test("the owner deletes the message of somebody else", async () => {
  const tea = await manage();
  await happen(() => tea.receive("Buy my pills"));
  await press("Delete", await openActions("Buy my pills"));
  assert.deepEqual([texts(), requests(tea, "deleteMessage")], [[], [{ sequence: 1 }]]);
});

test("the owner mutes, unmutes and removes a member, and lets that one back in", async () => {
  const tea = await manage();
  await press("2 people");
  await press("Mute for 5 minutes: Bo");
  assert.match(members().join(), /Bo muted/);
  await press("Unmute: Bo");
  assert.doesNotMatch(members().join(), /muted/);
  assert.deepEqual(
    requests(tea, "muteMember").map(({ seconds }) => seconds),
    [300, 0],
  );
  await press("Remove: Bo");
  assert.deepEqual(members(), ["guest-you owner (you)"]);
  await press("Show removed people");
  assert.match(items("Removed people").join(), /^Bo, until .* Let back in$/);
  await press("Let back in");
  await wait(5_000); // the server responds only if it refuses
  assert.deepEqual(items("Removed people"), ["Nobody is kept out."]);
});

test("the owner makes a member a moderator, and a plain member again", async () => {
  const tea = await manage();
  await press("2 people");
  await press("Make moderator: Bo");
  assert.match(members().join(), /Bo moderator/);
  await press("Make plain member: Bo");
  assert.doesNotMatch(members().join(), /moderator/);
  assert.deepEqual(
    requests(tea, "setRole").map(({ role }) => role),
    ["moderator", "member"],
  );
});

test("the owner reads which messages were reported, and why", async () => {
  const tea = await manage();
  await say("Nonsense");
  await press("Show reported messages");
  assert.deepEqual(items("Reported messages"), ["No message was reported."]);
  tea.report(1, "wrong", "Bo");
  await press("Show reported messages");
  assert.match(items("Reported messages").join(), /^Bo reported Nonsense: wrong \(.*\)$/);
});

test("the owner closes the room after a question", async () => {
  const tea = await manage();
  await press("Close room…");
  await press("Keep it open");
  await press("Close room…");
  assert.deepEqual(requests(tea, "closeRoom"), []);
  await press("Close it for everyone");
  assert.match(alerts().join(), /^The owner has closed this room\./);
  assert.deepEqual([requests(tea, "closeRoom").length, buttons("Join again")], [1, []]);
});

test("members are offered nothing of it, but see the new name", async () => {
  const tea = client.room("tea");
  tea.join("Bo");
  await open("/room/?id=tea");
  await happen(() => tea.receive("Hello"));
  await press("2 people");
  assert.deepEqual([buttons("Manage room"), buttons("Mute for 5 minutes: Bo"), buttons("Remove: Bo")], [[], [], []]);
  const owner = client.join("tea", { owner: "owner-of-tea" });
  await wait();
  await happen(() => void owner.update({ name: "Coffee" }));
  owner.leave();
  assert.equal(find("h1").textContent, "Coffee");
});

test("who is muted cannot write until the owner allows it again", async () => {
  const tea = client.room("tea");
  await open("/room/?id=tea");
  const owner = client.join("tea", { owner: "owner-of-tea" });
  await wait();
  await happen(() => void owner.muteMember("you", 300));
  assert.match(find("form.row > p[role=status]").textContent ?? "", /^You are muted until .*\.$/);
  await say("Hello");
  assert.deepEqual([tea.sent, composer().value], [[], "Hello"]);
  await happen(() => void owner.muteMember("you", 0));
  assert.equal(document.querySelector("form.row > p[role=status]"), null);
  owner.leave();
  await say("Hello");
  assert.deepEqual(tea.sent, ["Hello"]);
});

for (const [reason, text] of [
  ["banned", "The owner or a moderator has removed you. You can come back in an hour."],
  ["locked", "This room is locked: its owner lets nobody new in."],
  ["closed", "The owner has closed this room."],
] as const)
  test(`who is not admitted, because of “${reason}”, reads why`, async () => {
    await open("/room/?id=tea");
    await happen(() => client.room("tea").close(reason));
    await wait();
    assert.ok(alerts().join().startsWith(text), alerts().join());
    assert.equal(buttons("Join again").length, reason === "locked" ? 1 : 0);
  });
