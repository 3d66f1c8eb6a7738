/** Who is in the room: read from the list, then followed by the notices of who comes and goes. */

const RECHECK_MS = 1_000;

export function makePresence({ ask, onMembers }) {
  let members = new Map();
  let notices = 0;
  let recheck = null;
  let isOver = false;

  /** The list comes from an index that may not know of our own arrival yet; a count does. */
  function expect(count) {
    if (count !== members.size) recheckSoon();
  }

  function note({ type, sender, memberCount }) {
    notices += 1;
    if (type === "join") members.set(sender.id, sender.name);
    else members.delete(sender.id);
    onMembers(members);
    expect(memberCount);
  }

  async function refresh() {
    clearTimeout(recheck);
    const noticesBefore = notices;
    const present = await ask();
    if (isOver) return;
    members = new Map(present.map(({ id, name }) => [id, name]));
    onMembers(members);
    if (notices !== noticesBefore) recheckSoon();
  }

  function stop() {
    isOver = true;
    clearTimeout(recheck);
  }

  function recheckSoon() {
    if (isOver) return;
    clearTimeout(recheck);
    recheck = setTimeout(() => refresh().catch(console.warn), RECHECK_MS);
  }

  return { expect, note, refresh, stop };
}
