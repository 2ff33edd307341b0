import { create, type DescMessage, fromBinary, toBinary } from "@bufbuild/protobuf";
import { JoinRequestSchema } from "../../../examples/chat/gen/chat/v1/chat_pb.ts";
import { ServerRecordSchema } from "../../../gen/nano/cluster/v1/record_pb.ts";
import { NanoError } from "../../../src/error/index.ts";
import { readKey } from "../../../src/router/index.ts";
import { NoteRequestSchema, OwnerRequestSchema } from "../../schema/gen/play/v1/play_pb.ts";
import { bytesOf, holds, mustSay, type Target } from "../engine/target.ts";
import { wireTokens, wrongWire } from "./body.ts";

// Texts, numbers of several kinds, an enum and a bool. The first byte of an input chooses.
const keys: readonly (readonly [schema: DescMessage, field: string])[] = [
  [JoinRequestSchema, "room"],
  [OwnerRequestSchema, "key"],
  [NoteRequestSchema, "coins"],
  [ServerRecordSchema, "incarnation"],
  [ServerRecordSchema, "state"],
  [ServerRecordSchema, "frontend"],
  [ServerRecordSchema, "protocol"],
];

/** The key that a request is routed by, and what a push replaces. */
export const routeKey: Target = {
  name: "route-key",
  throws: NanoError,
  maxBytes: 65_536,
  chooses: true,
  tokens: [
    ...wireTokens(),
    Uint8Array.of(0x11, 1, 0, 0, 0, 0, 0, 0, 0),
    Uint8Array.of(0x30, 2),
    Uint8Array.of(0x50, 1),
    Uint8Array.of(0x38, 7),
  ],
  seeds() {
    const record = create(ServerRecordSchema, {
      id: "s",
      incarnation: 2n ** 64n - 1n,
      state: 2,
      frontend: true,
      protocol: 7,
      metadata: { a: "b" },
    });
    const all: Record<string, Uint8Array> = {
      room: bytesOf(0, toBinary(JoinRequestSchema, create(JoinRequestSchema, { room: "räum", name: "n" }))),
      "no-room": bytesOf(0, toBinary(JoinRequestSchema, create(JoinRequestSchema, { name: "n" }))),
      "room-twice": bytesOf(0, 10, 1, "a", 18, 1, "n", 10, 1, "b"),
      key: bytesOf(1, toBinary(OwnerRequestSchema, create(OwnerRequestSchema, { key: -1n }))),
      "key-largest": bytesOf(1, toBinary(OwnerRequestSchema, create(OwnerRequestSchema, { key: 2n ** 63n - 1n }))),
      coins: bytesOf(2, toBinary(NoteRequestSchema, create(NoteRequestSchema, { note: "n", coins: 5n }))),
      "enum-unknown": bytesOf(4, 0x30, 99),
      "enum-negative": bytesOf(4, 0x30, new Uint8Array(9).fill(0xff), 1),
      "bool-of-many-bytes": bytesOf(5, 0x50, 0x80, 0x80, 1),
      // The decoder takes the name for a text that holds the second room.
      "room-in-a-name-of-another-wire-type": bytesOf(0, 10, 1, "a", 0x10, 3, 10, 1, "b"),
      // The entry's value runs over its end, and over the field behind it.
      "bool-behind-an-entry-that-runs-over": bytesOf(5, 0x4a, 6, 10, 1, "a", 0x12, 3, "b", 0x50, 1),
      "room-in-a-group": bytesOf(0, 0x1b, 10, 1, "a", 0x1c),
      "room-in-a-submessage": bytesOf(3, 0x4a, 3, 10, 1, "a"),
    };
    for (let choice = 0; choice < keys.length; choice++) {
      all[`empty-${choice}`] = bytesOf(choice);
      if (choice > 2) all[`record-${choice}`] = bytesOf(choice, toBinary(ServerRecordSchema, record));
    }
    for (const [name, bytes] of Object.entries(wrongWire())) all[name] = bytesOf(name.length % 2, bytes);
    return all;
  },
  run(bytes) {
    const [schema, field] = keys[(bytes[0] ?? 0) % keys.length] ?? [JoinRequestSchema, "room"];
    const body = bytes.slice(1);
    const key = keyOf(schema, field, body);
    // A handler decodes the whole message: where it is led by the key is where it must be, if it decodes.
    const message = decoded(schema, body);
    if (message) holds(key === String(message[field]), `the key is ${key}, the message says ${String(message[field])}`);
  },
};

function decoded(schema: DescMessage, body: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  try {
    return { ...fromBinary(schema, body) };
  } catch {
    return undefined;
  }
}

function keyOf(schema: DescMessage, field: string, body: Uint8Array): string {
  try {
    return readKey(schema, field, body);
  } catch (reason) {
    return mustSay(reason, "invalid_argument");
  }
}
