import type { BytesRules, FieldRules, StringRules } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import fc from "fast-check";
import { rulesFor } from "../rules/index.ts";

// Where nothing says how long: enough to find what breaks on more than a word.
const usualLength = 64;

/** A text within its rules. */
export function textArbitrary(rules: FieldRules | undefined): fc.Arbitrary<string> {
  const text = rulesFor<StringRules>(rules, "string");
  if (!text) return fc.string({ unit: "binary", maxLength: usualLength });
  if (text.const !== undefined) return fc.constant(text.const);
  if (text.in.length > 0) return fc.constantFrom(...text.in);
  const known = wellKnown(text);
  if (known) return known;
  if (text.pattern !== undefined) return fc.stringMatching(new RegExp(text.pattern, "u"));
  const { prefix = "", suffix = "", contains = "" } = text;
  const given = [...prefix, ...contains, ...suffix].length;
  const bounds = boundsOf(
    text.len ?? text.minLen ?? text.lenBytes ?? text.minBytes,
    text.len ?? text.maxLen ?? text.lenBytes ?? text.maxBytes,
    given,
  );
  // What counts bytes is met by letters of one byte.
  const inBytes = text.lenBytes !== undefined || text.minBytes !== undefined || text.maxBytes !== undefined;
  const free = fc.string({ unit: inBytes ? "binary-ascii" : "binary", ...bounds });
  return given === 0 ? free : free.map((middle) => `${prefix}${middle}${contains}${suffix}`);
}

/** Bytes within their rules. */
export function bytesArbitrary(rules: FieldRules | undefined): fc.Arbitrary<Uint8Array> {
  const bytes = rulesFor<BytesRules>(rules, "bytes");
  if (!bytes) return fc.uint8Array({ maxLength: usualLength });
  if (bytes.const !== undefined) return fc.constant(bytes.const);
  if (bytes.in.length > 0) return fc.constantFrom(...bytes.in);
  const { prefix, suffix, contains, len, minLen, maxLen } = bytes;
  const given = [prefix, contains, suffix].map((part) => part ?? new Uint8Array(0));
  const bounds = boundsOf(
    len ?? minLen,
    len ?? maxLen,
    given.reduce((sum, part) => sum + part.length, 0),
  );
  const [before, within, after] = given;
  return fc.uint8Array(bounds).map((free) => Uint8Array.from([...(before ?? []), ...free, ...(within ?? []), ...(after ?? [])]));
}

function boundsOf(
  least: bigint | undefined,
  most: bigint | undefined,
  given: number,
): { readonly minLength: number; readonly maxLength: number } {
  const minLength = Math.max(0, Number(least ?? 0n) - given);
  // A generous limit is no wish for texts of its length.
  const maxLength = Math.max(minLength, Math.min(Number(most ?? BigInt(usualLength)) - given, minLength + 10 * usualLength));
  return { minLength, maxLength };
}

function wellKnown({ wellKnown: known }: StringRules): fc.Arbitrary<string> | undefined {
  switch (known.value === false ? undefined : known.case) {
    case "email":
      return fc.emailAddress();
    case "hostname":
    case "address":
      return fc.domain();
    case "ip":
    case "ipv4":
      return fc.ipV4();
    case "ipv6":
      return fc.ipV6();
    case "uri":
    case "uriRef":
      return fc.webUrl();
    case "uuid":
      return fc.uuid();
    case "tuuid":
      return fc.uuid().map((uuid) => uuid.replaceAll("-", ""));
    default:
      return undefined;
  }
}
