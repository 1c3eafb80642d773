/** Returns the value of a key, and adds it if it is missing. */
export function getOrAdd<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined || map.has(key)) return known as V;
  const added = make();
  map.set(key, added);
  return added;
}
