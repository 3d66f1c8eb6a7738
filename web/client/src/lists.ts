/** Lists that come from a server or from a storage. */

/** Return a list, or an empty one instead of anything else: another version may have written that. */
export function listOf<Item>(value: readonly Item[] | undefined): readonly Item[] {
  return Array.isArray(value) ? value : [];
}
