/** The same function, which finds each key's value only once. It remembers every key: for a bounded number of them. */
export function remembered<Key, Value>(find: (key: Key) => Value): (key: Key) => Value {
  const known = new Map<Key, Value>();
  return (key) => {
    const before = known.get(key);
    if (before !== undefined) {
      return before;
    }
    const value = find(key);
    known.set(key, value);
    return value;
  };
}
