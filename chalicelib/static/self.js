/** Which members are ourselves: every connection of ours is a member with an id of its own. */

const LEAVE_LIMIT_MS = 60_000;
const GUEST = /^guest-[0-9a-f]{4}$/;

export function makeSelf() {
  const ids = new Set();
  let former = [];

  /** The server never says which member we are; the echo of our first message does. */
  function learn(memberId) {
    ids.add(memberId);
  }

  function is(memberId) {
    return ids.has(memberId);
  }

  /** A connection of ours has ended, and the next one may be told of it. */
  function left(name) {
    former.push({ name, until: Date.now() + LEAVE_LIMIT_MS });
  }

  /** Whether the member who left was our former connection, going by the name where the id was never learned. */
  function hasLeft({ id, name }) {
    former = former.filter(({ until }) => until > Date.now());
    const index = former.findIndex((one) => (one.name ? one.name === name : GUEST.test(name)));
    if (index >= 0) former.splice(index, 1);
    return index >= 0 || is(id);
  }

  return { learn, is, left, hasLeft };
}
