import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { FieldPatchSchema } from "../../../gen/nano/cluster/v1/link_pb.ts";
import { NanoError } from "../../../src/error/index.ts";
import { decodeData, joinFields, patchedNames, splitFields } from "../../../src/session/data-patch.ts";
import { encodePatch, SessionData } from "../../../src/session/index.ts";
import { PlaySessionSchema } from "../../schema/gen/play/v1/play_pb.ts";
import { bytesOf, holds, mustSay, sameBytes, type Target } from "../engine/target.ts";
import { nested, wireTokens, wrongWire } from "./body.ts";

const type = PlaySessionSchema.typeName;

/** The session's data as another server patches it. */
export const dataPatch: Target = {
  name: "data-patch",
  throws: NanoError,
  // The whole envelope of a link.
  maxBytes: 262_144,
  // It is read here eight times over.
  maxMsPerKiB: 4,
  tokens: [...wireTokens(), Uint8Array.of(0x10, 7), Uint8Array.of(0x1a, 4, 10, 0, 18, 0), "__proto__"],
  seeds() {
    const all: Record<string, Uint8Array> = { ...wrongWire(), empty: bytesOf() };
    const patches = [
      { note: "n" },
      { coins: 5n },
      { items: { a: Uint8Array.of(1, 2), "": new Uint8Array(0) } },
      { note: "", coins: 0n },
      { note: "é", coins: -1n, items: {} },
    ];
    for (const [index, patch] of patches.entries()) all[`patch-${index}`] = encodePatch(PlaySessionSchema, patch).fields;
    const whole = create(PlaySessionSchema, { note: "whole", coins: 9n, items: { sword: Uint8Array.of(1) } });
    all["whole"] = toBinary(PlaySessionSchema, whole);
    all["interleaved"] = Uint8Array.of(10, 1, 97, 16, 1, 10, 1, 98, 16, 2);
    all["fields-not-known"] = Uint8Array.of(0xa0, 6, 1, 0xa2, 6, 1, 1);
    // Every piece of a field was copied again for the next: time grew with the square.
    all["one-field-many-times"] = bytesOf(Buffer.alloc(600, "\x10\x01", "latin1"));
    all["groups"] = new Uint8Array(300).fill(0x1b);
    all["groups-closed"] = bytesOf(new Uint8Array(90).fill(0x23), new Uint8Array(90).fill(0x24));
    all["proto-as-a-key"] = bytesOf(0x1a, 14, 0x0a, 9, "__proto__", 0x12, 1, "x");
    all["nested"] = nested(0x1a, 60);
    return all;
  },
  run(bytes) {
    const fields = split(bytes);
    const data = new SessionData();
    const patch = { type, fields: bytes, cleared: [2, 0, -1, 2 ** 32] };
    data.apply(patch);
    const joined = data.bytesOf(type);
    holds(joined.length === bytes.length && data.length === bytes.length, "bytes were lost");
    holds(sameBytes(joinFields(fields), joined), "the data are not what the patch says");
    holds(data.matches({ type, fields: bytes, cleared: [] }), "the patch does not match itself");
    holds(sameBytes(SessionData.from(data.all()).bytesOf(type), joined), "a copy is another");
    const names = patchedNames(PlaySessionSchema, patch);
    holds(
      names.every((name) => PlaySessionSchema.fields.some((field) => field.localName === name)),
      "a field that does not exist",
    );
    // As it comes over a link, and as a handler reads it.
    const sent = toBinary(FieldPatchSchema, create(FieldPatchSchema, { type, fields: bytes }));
    holds(sameBytes(fromBinary(FieldPatchSchema, sent).fields, bytes), "the frame says something else");
    holds(decodeData(PlaySessionSchema, joined).$typeName === type, "another message");
  },
};

function split(bytes: Uint8Array): Map<number, Uint8Array> {
  try {
    return splitFields(bytes);
  } catch (reason) {
    return mustSay(reason, "invalid_argument");
  }
}
