import { asciiOnly, fromCesu8 } from "../text/index.ts";
import type { Serializer } from "./serializer.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** JSON of the application's own for clients that garble everything beyond ASCII (clients.md, rule 11). */
export function asciiSerializer(json: Serializer): Serializer {
  return {
    name: json.name,
    encode: (schema, message) => encoder.encode(asciiOnly(decoder.decode(json.encode(schema, message)))),
    decode: (schema, bytes) => json.decode(schema, fromCesu8(bytes)),
  };
}
