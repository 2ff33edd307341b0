import type { Rules } from "../../rules/index.ts";

// As long as texts of a format may be.
const formats: Readonly<Record<string, number>> = {
  uuid: 36,
  tuuid: 32,
  ulid: 26,
  ipv4: 15,
  hostname: 253,
};
const bytesOfCharacter = 4;

/** The most bytes of a text in UTF-8, without its length; undefined where no rule bounds it. */
export function worstText(rules: Rules): number | undefined {
  const named = namedValues(rules).map((text) => Buffer.byteLength(String(text)));
  if (named.length > 0) return Math.max(...named);
  const characters = rules.value("len") ?? rules.value("max_len");
  const bytes = rules.value("len_bytes") ?? rules.value("max_bytes");
  const bounds = Object.entries(formats).flatMap(([format, most]) => (rules.value(format) === true ? [most] : []));
  if (characters !== undefined) bounds.push(Number(characters) * bytesOfCharacter);
  if (bytes !== undefined) bounds.push(Number(bytes));
  return bounds.length === 0 ? undefined : Math.min(...bounds);
}

/** The most bytes, without their length; undefined where no rule bounds them. */
export function worstBytes(rules: Rules): number | undefined {
  const named = namedValues(rules).map((bytes) => (bytes instanceof Uint8Array ? bytes.length : 0));
  if (named.length > 0) return Math.max(...named);
  const bounds = [rules.value("len"), rules.value("max_len")].filter((one) => one !== undefined).map(Number);
  if (rules.value("ipv4") === true) bounds.push(4);
  if (["ip", "ipv6", "uuid"].some((format) => rules.value(format) === true)) bounds.push(16);
  return bounds.length === 0 ? undefined : Math.min(...bounds);
}

function namedValues(rules: Rules): readonly unknown[] {
  const only = rules.value("const");
  return only === undefined ? rules.list("in") : [only];
}
