import { create, type DescMessage, type Message, type MessageShape } from "@bufbuild/protobuf";
import type { Serializer } from "nano-rpc";
import { checkSerializer, type SerializerCheck } from "nano-rpc/testing";
import { describe, expect, test } from "vitest";
import { JoinRequestSchema, JoinResponseSchema, SaidResponseSchema } from "../../examples/chat/gen/chat/v1/chat_pb.ts";
import { messagePack } from "../../examples/extending/src/message-pack.ts";
import { createJsonSerializer, protobufSerializer } from "../../src/serializer/index.ts";

const messages: SerializerCheck["messages"] = [
  [JoinRequestSchema, create(JoinRequestSchema, { room: "lobby", name: "ann" })],
  [JoinResponseSchema, create(JoinResponseSchema, { members: ["ann", "bob", "\u{1f600}"] })],
  [SaidResponseSchema, create(SaidResponseSchema)],
];

test.each([protobufSerializer, createJsonSerializer(), messagePack].map((one) => [one.name, one] as const))(
  "%s keeps what is promised",
  (_name, serializer) => checkSerializer({ serializer, messages }),
);

const shared = new Uint8Array(10_000);

/** What is wrong with each, and how it is told. */
const faults: Readonly<Record<string, readonly [words: string, fault: Partial<Serializer>]>> = {
  "has no name": ["it has no name", { name: "" }],
  "writes every body to the same bytes": [
    "they are the caller's",
    {
      encode(schema, message) {
        const bytes = protobufSerializer.encode(schema, message);
        shared.set(bytes);
        return shared.subarray(0, bytes.length);
      },
    },
  ],
  "loses a field": [
    "does not come back as it was",
    { decode: <S extends DescMessage>(schema: S): MessageShape<S> => create(schema) },
  ],
  "cannot read an empty body": [
    "decode throws on no bytes at all",
    {
      decode(schema, bytes) {
        if (bytes.length === 0) throw new RangeError("nothing there");
        return protobufSerializer.decode(schema, bytes);
      },
    },
  ],
  "makes something of nothing": [
    "no bytes at all are no empty chat.v1.JoinRequest",
    {
      decode: <S extends DescMessage>(schema: S, bytes: Uint8Array): MessageShape<S> =>
        bytes.length === 0
          ? ({ ...create(schema), name: "somebody" } as Message as MessageShape<S>)
          : protobufSerializer.decode(schema, bytes),
    },
  ],
  "throws words": [
    "decode throws what is no Error: malformed",
    {
      decode(schema, bytes) {
        try {
          return protobufSerializer.decode(schema, bytes);
        } catch {
          throw "malformed";
        }
      },
    },
  ],
  "reads what is no message": [
    "decode gives no message of",
    {
      decode(schema, bytes) {
        try {
          return protobufSerializer.decode(schema, bytes);
        } catch {
          return undefined as never;
        }
      },
    },
  ],
};

describe("one that does not is told what is wrong with it", () => {
  test.each(Object.entries(faults))("it %s", (_what, [words, fault]) => {
    const serializer: Serializer = { ...protobufSerializer, name: "mine", ...fault };
    expect(() => checkSerializer({ serializer, messages })).toThrow(words);
  });

  test("it takes its time", () => {
    const slow: Serializer = {
      ...protobufSerializer,
      decode(schema, bytes) {
        const until = performance.now() + (bytes.length > 1_000 ? 20 : 0);
        while (performance.now() < until);
        return protobufSerializer.decode(schema, bytes);
      },
    };
    expect(() => checkSerializer({ serializer: slow, messages, bodyMs: 10 })).toThrow("ms for 30000 bytes");
  });

  test("there is nothing to look at it with", () => {
    expect(() => checkSerializer({ serializer: protobufSerializer, messages: [] })).toThrow("no message");
  });
});
