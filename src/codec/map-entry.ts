/** Puts an entry into a map. Its key is whatever came: also one that means something else in an object. */
export function setEntry<V>(map: { [key: string]: V }, key: string, value: V): void {
  if (key !== "__proto__") map[key] = value;
  else Object.defineProperty(map, key, { value, writable: true, enumerable: true, configurable: true });
}
