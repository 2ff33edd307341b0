import { type DescMessage, fromJsonString, type MessageShape, type Registry, toJsonString } from "@bufbuild/protobuf";
import { asciiOnly, fromCesu8 } from "../text/index.ts";
import { malformed, type Serializer } from "./serializer.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

// Deeper than any message may nest (protobuf-es refuses at 100), and far from where the parser's stack ends.
const maxDepth = 128;

/**
 * Protobuf's canonical JSON. Unknown fields are ignored, so that clients may be newer; an empty body is the empty message.
 *
 * @param options.registry Finds the messages in `Any` fields.
 * @param options.ascii Whether everything beyond ASCII is escaped, for clients that garble it (clients.md, rule 11).
 */
export function createJsonSerializer(options: { readonly registry?: () => Registry; readonly ascii?: boolean } = {}): Serializer {
  const extra = (): { readonly registry?: Registry } => (options.registry ? { registry: options.registry() } : {});
  return {
    name: "json",
    encode<S extends DescMessage>(schema: S, message: MessageShape<S>): Uint8Array {
      const text = toJsonString(schema, message, extra());
      return encoder.encode(options.ascii ? asciiOnly(text) : text);
    },
    decode<S extends DescMessage>(schema: S, bytes: Uint8Array): MessageShape<S> {
      try {
        const text = bytes.length === 0 ? "{}" : decoder.decode(fromCesu8(bytes));
        checkDepth(text);
        return fromJsonString(schema, text, { ignoreUnknownFields: true, ...extra() });
      } catch (reason) {
        throw malformed(schema, reason);
      }
    },
  };
}

function checkDepth(text: string): void {
  let depth = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (quoted) {
      if (unit === backslash) at++;
      else if (unit === quote) quoted = false;
    } else if (unit === quote) quoted = true;
    else if (unit === openBrace || unit === openBracket) {
      if (++depth > maxDepth) throw new RangeError("nested too deeply");
    } else if (unit === closeBrace || unit === closeBracket) depth--;
  }
}

const [quote, backslash, openBracket, closeBracket, openBrace, closeBrace] = [0x22, 0x5c, 0x5b, 0x5d, 0x7b, 0x7d];
