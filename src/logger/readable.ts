import { showValue } from "./show-value.ts";

const unreadable = "[unreadable]";

/** The fields as plain JSON, whatever they were: what cannot be read says so in its place. */
export function plain(fields: object): object {
  const named = readable(fields);
  try {
    return JSON.parse(JSON.stringify(named, showValue));
  } catch {
    return eachAlone(named);
  }
}

/** The fields as values: a getter may throw. */
export function readable(fields: object): object {
  try {
    return { ...fields };
  } catch {
    return Object.fromEntries(Object.keys(fields).map((name) => [name, orUnreadable(() => Reflect.get(fields, name))]));
  }
}

/** The fields that have JSON, and the names of those that have none: they are round, too deep, or throw. */
function eachAlone(fields: object): object {
  const alone = ([name, value]: [string, unknown]): [string, unknown] => [
    name,
    orUnreadable(() => JSON.parse(JSON.stringify(value, showValue) ?? "null")),
  ];
  return Object.fromEntries(Object.entries(fields).map(alone));
}

function orUnreadable(read: () => unknown): unknown {
  try {
    return read();
  } catch {
    return unreadable;
  }
}
