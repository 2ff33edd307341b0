import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { afterEach, describe, expect, test } from "vitest";
import {
  JoinRequestSchema,
  JoinResponseSchema,
  SaidResponseSchema,
  SayRequestSchema,
} from "../../examples/chat/gen/chat/v1/chat_pb.ts";
import { encodeMessage, MessageKind } from "../../src/message/index.ts";
import { encodePacket, PacketType } from "../../src/packet/index.ts";
import { type RawClient, rawTcp } from "../support/raw-client.ts";
import { type EdgeServer, startEdge } from "./edge-server.ts";

let edge: EdgeServer;
let raw: RawClient;

afterEach(async () => {
  raw?.close();
  await edge?.[Symbol.asyncDispose]();
});

function packet(kind: MessageKind, id: number, route: string, body: Uint8Array): Uint8Array {
  const header = { kind, id, route, code: -1, compressed: false, error: false };
  return encodePacket(PacketType.data, encodeMessage(header, body));
}

function asking(id: number, route: string, name: string): Uint8Array {
  return packet(MessageKind.request, id, route, toBinary(JoinRequestSchema, create(JoinRequestSchema, { room: "r", name })));
}

function saying(text: string): Uint8Array {
  return packet(MessageKind.notify, 0, "edge.say", toBinary(SayRequestSchema, create(SayRequestSchema, { text })));
}

/** The next message: an answer's id and member, a push's text, a failure's id. */
async function heard(): Promise<readonly unknown[]> {
  const { kind, id, error, body } = await raw.message();
  if (kind === MessageKind.push) return ["push", fromBinary(SaidResponseSchema, body).text];
  return error ? ["failure", id] : ["answer", id, fromBinary(JoinResponseSchema, body).members[1]];
}

describe.each([
  ["of the old kind", { sys: { platform: "mac", serializer: "protobuf" } }],
  ["that may come back", { sys: { platform: "test", serializer: "protobuf", nano: { v: 1 } } }],
])("messages of one read, of a client %s", (_what, handshake) => {
  test("answers, pushes and failures come in the order in which they were made, and what is answered later says what was asked", async () => {
    edge = await startEdge({});
    raw = await rawTcp(edge.tcp);
    await raw.open(handshake);
    const long = "n".repeat(300);
    const read = [
      asking(1, "a.b", "first"),
      asking(2, "edge.hold", "held"),
      saying("one"),
      asking(3, "a.b", long),
      asking(4, "edge.fail", "fails"),
      asking(5, "a.b", "fifth"),
      saying("two"),
      asking(6, "a.b", "last"),
    ];
    raw.send(Buffer.concat(read));
    const came: unknown[] = [];
    for (let at = 0; at < 7; at++) came.push(await heard());
    expect(came).toEqual([
      ["answer", 1, "first"],
      ["push", "one"],
      ["answer", 3, long],
      ["failure", 4],
      ["answer", 5, "fifth"],
      ["push", "two"],
      ["answer", 6, "last"],
    ]);
    // What it was asked with stood in a buffer that has been read into since.
    raw.send(asking(7, "a.b", "x".repeat(200)));
    expect(await heard()).toEqual(["answer", 7, "x".repeat(200)]);
    raw.send(Buffer.concat([asking(8, "edge.hold", "second"), asking(9, "a.b", "beside")]));
    expect(await heard()).toEqual(["answer", 9, "beside"]);
    expect(edge.held).toBe(2);
    edge.release();
    const [one, other] = [await heard(), await heard()];
    expect([one[1], other[1]]).toEqual([2, 8]);
  });
});
