import { type DescMessage, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { messageArbitrary } from "./message-arbitrary.ts";

// Each is a whole encoding that no reader may take, or may only skip: they stand alone, or behind a message.
const poisons = [
  // A group that never ends; one that was never begun; a hundred within each other.
  Uint8Array.of(0x0b),
  Uint8Array.of(0x0c),
  new Uint8Array(100).fill(0x0b),
  // A length beyond the end, one of four gigabytes, and a varint of eleven bytes.
  Uint8Array.of(0x0a, 0x7f, 1),
  Uint8Array.of(0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f),
  Uint8Array.of(0x08, ...new Uint8Array(10).fill(0xff), 0x01),
  // Field number 0, the wire types that do not exist, and a text that is no UTF-8.
  Uint8Array.of(0x00, 0x01),
  Uint8Array.of(0x0e),
  Uint8Array.of(0x0a, 0x02, 0xc3, 0x28),
];

/** Bytes that are nearly a message: cut, with other bytes in them, or with what no message has. Some may happen to decode. */
export function brokenArbitrary(schema: DescMessage): fc.Arbitrary<Uint8Array> {
  const whole = messageArbitrary(schema, { rules: false }).map((message) => toBinary(schema, message));
  const poison = fc.constantFrom(...poisons);
  return fc.oneof(
    fc.tuple(whole, fc.nat()).map(([bytes, cut]) => bytes.subarray(0, cut % (bytes.length + 1))),
    fc.tuple(whole, fc.nat(), fc.integer({ min: 1, max: 255 })).map(([bytes, at, flip]) => {
      const changed = Uint8Array.from(bytes);
      if (changed.length > 0) changed[at % changed.length] = (changed[at % changed.length] ?? 0) ^ flip;
      return changed;
    }),
    fc.tuple(whole, poison).map(([bytes, tail]) => Uint8Array.from([...bytes, ...tail])),
    poison,
    fc.uint8Array({ maxLength: 64 }),
  );
}
