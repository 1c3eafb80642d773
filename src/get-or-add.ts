/** Returns the value of a key, and adds it if it is missing. */
export function getOrAdd<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined || map.has(key)) return known as V;
  const added = make();
  map.set(key, added);
  return added;
}

/** The items by key, in the order of the first of each. Without a key, an item is left out. */
export function groupBy<K, T>(items: Iterable<T>, keyOf: (item: T) => K | undefined): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    if (key !== undefined) getOrAdd(groups, key, () => []).push(item);
  }
  return groups;
}
