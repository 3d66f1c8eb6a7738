/** The member ids of this visitor. Each connection is a member with its own id. */

const LEAVE_LIMIT_MS = 60_000;
const GUEST = /^guest-[0-9a-f]{4}$/;

export function makeSelf() {
  const ids = new Set();
  let former = [];

  /** Record a member id as ours. The only source is the echo of a message of ours. */
  function learn(memberId) {
    ids.add(memberId);
  }

  function is(memberId) {
    return ids.has(memberId);
  }

  /** Record that a connection of ours has ended: the next connection may receive a leave frame for it. */
  function left(name) {
    former.push({ name, until: Date.now() + LEAVE_LIMIT_MS });
  }

  /** Test whether a member that left was a former connection of ours: by its id, or by its name without a known id. */
  function hasLeft({ id, name }) {
    former = former.filter(({ until }) => until > Date.now());
    const index = former.findIndex((one) => (one.name ? one.name === name : GUEST.test(name)));
    if (index >= 0) former.splice(index, 1);
    return index >= 0 || is(id);
  }

  return { learn, is, left, hasLeft };
}
