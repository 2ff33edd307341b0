import type { Rules } from "../../rules/index.ts";

const formats: Readonly<Record<string, readonly string[]>> = {
  email: ["ann@example.com", "bob@example.com"],
  hostname: ["example.com", "example.org"],
  address: ["192.0.2.1", "192.0.2.2"],
  ip: ["192.0.2.1", "192.0.2.2"],
  ipv4: ["192.0.2.1", "192.0.2.2"],
  ipv6: ["2001:db8::1", "2001:db8::2"],
  uri: ["https://example.com/", "https://example.org/"],
  uri_ref: ["/shop", "/help"],
  uuid: ["8a6f0d3e-52c1-4b7a-9d10-2f4e6a8b0c1d", "1c2d3e4f-5a6b-4c7d-8e9f-0a1b2c3d4e5f"],
  tuuid: ["8a6f0d3e52c14b7a9d102f4e6a8b0c1d", "1c2d3e4f5a6b4c7d8e9f0a1b2c3d4e5f"],
  ulid: ["01JGKZ5T3Q8W4N6M2B7C9D0E1F", "01JGKZ5T3Q8W4N6M2B7C9D0E1G"],
};
// What texts of such names typically are.
const byName: readonly (readonly [RegExp, readonly string[]])[] = [
  [/(^|_)(name|user|member|author|player|nick|sender)s?$/, ["ann", "bob"]],
  [/(^|_)(text|message|body|comment|reason|description)s?$/, ["hello, I am ann", "good evening"]],
  [/(^|_)(room|channel|hall|lobby)s?$/, ["lobby", "kitchen"]],
  [/(^|_)e?mails?$/, ["ann@example.com", "bob@example.com"]],
  [/(^|_)(url|uri|link)s?$/, ["https://example.com/", "https://example.org/"]],
  [/(^|_)(id|key|code)s?$/, ["k3f9q2", "m7x1c8"]],
  [/(^|_)(token|secret|ticket|hash)s?$/, ["b7e41f0c9a2d58e6", "0d4c8b21f7a96e35"]],
  [/(^|_)(language|locale)s?$/, ["en", "de"]],
  [/(^|_)(version|release)s?$/, ["1.4.0", "1.5.0"]],
];

/** A text as the field of a name typically has it, within its rules; other ones for other places in a list. */
export function exampleText(name: string, rules: Rules, at: number): string {
  const some = [rules.value("const"), ...rules.list("in"), ...rules.list("example")].filter((one) => one !== undefined);
  const given = some[Math.min(at, some.length - 1)];
  if (given !== undefined) return String(given);
  const format = Object.keys(formats).find((one) => rules.value(one) === true);
  if (format !== undefined) return pick(formats[format] ?? [], at);
  const usual = pick(byName.find(([pattern]) => pattern.test(name))?.[1] ?? [name.replaceAll("_", " ")], at);
  return sized(usual, rules);
}

/** Bytes within rules: 8 where none says otherwise. */
export function exampleBytes(rules: Rules, at: number): Uint8Array {
  const some = [rules.value("const"), ...rules.list("in"), ...rules.list("example")].filter((one) => one !== undefined);
  const given = some[Math.min(at, some.length - 1)];
  if (given instanceof Uint8Array) return given;
  const least = Number(rules.value("min_len") ?? 0);
  const most = Number(rules.value("max_len") ?? Number.POSITIVE_INFINITY);
  const fixed = rules.value("len") ?? (rules.value("ip") || rules.value("ipv4") ? 4 : undefined);
  const length = Number(fixed ?? (rules.value("ipv6") || rules.value("uuid") ? 16 : Math.min(Math.max(8, least), most)));
  return Uint8Array.from({ length: Math.min(length, mostLength) }, (_, index) => (index * 37 + at + 1) % 256);
}

// What rules ask to be longer is left as it is: it is no example.
const mostLength = 1_024;

function pick(some: readonly string[], at: number): string {
  const text = some[at % some.length] ?? "";
  const round = Math.floor(at / some.length);
  return round === 0 ? text : `${text}${round + 1}`;
}

/** A text that begins, goes on and ends as rules say, and is as long as they say. */
function sized(usual: string, rules: Rules): string {
  const start = String(rules.value("prefix") ?? "");
  const end = `${rules.value("contains") ?? ""}${rules.value("suffix") ?? ""}`;
  const least = Number(rules.value("len") ?? rules.value("len_bytes") ?? rules.value("min_len") ?? rules.value("min_bytes") ?? 0);
  const most = Number(
    rules.value("len") ?? rules.value("len_bytes") ?? rules.value("max_len") ?? rules.value("max_bytes") ?? mostLength,
  );
  const room = Math.max(0, most - start.length - end.length);
  const wanted = Math.min(Math.max(0, least - start.length - end.length), mostLength);
  return `${start}${usual.slice(0, room).padEnd(wanted, "x")}${end}`;
}
