/** The members of the room: read over REST, then updated by join and leave frames. */

const RECHECK_MS = 1_000;

export function makePresence({ ask, onMembers }) {
  let members = new Map();
  let notices = 0;
  let recheck = null;
  let isOver = false;

  /** Compare with the room's member count, which is exact; the list is eventually consistent and may lack our join. */
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
