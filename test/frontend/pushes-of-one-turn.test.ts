import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { createServer, implement, type Server, silentLogger, tcp, webSocket } from "nano-rpc";
import { afterEach, describe, expect, test } from "vitest";
import { RoomHandler, RoomPush } from "../../examples/chat/gen/chat/v1/chat_nano.ts";
import { JoinRequestSchema, JoinResponseSchema, SaidResponseSchema } from "../../examples/chat/gen/chat/v1/chat_pb.ts";
import { MessageKind } from "../../src/message/index.ts";
import { type RawClient, rawTcp, rawWebSocket } from "../support/raw-client.ts";
import { portOf } from "./edge-server.ts";

// More than are walked through before some are written to once more.
const members = 1_100;
const lines = ["one", "two", "three"];
const none = Number.POSITIVE_INFINITY;

let server: Server | undefined;
const clients: RawClient[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await server?.stop({ graceMs: 100 });
});

/** Whoever joins is a member; whoever joins as "all" has three lines pushed to everybody, before it is answered. */
async function start(): Promise<Server> {
  const room = implement(RoomHandler, {
    async join({ name }, { session, group }) {
      if (name === "all") for (const text of lines) group("all").push(RoomPush.said, { name, text });
      else await group("all").add(session);
      return { members: [name] };
    },
    say: () => {},
  });
  const limits = {
    connectionsPerAddress: none,
    unauthenticated: none,
    handshakesPerSecond: none,
    heapShare: 1,
    loopDelayMs: none,
  };
  const acceptors = [tcp({ port: 0 }), webSocket({ port: 0 })];
  server = createServer({ log: silentLogger, services: [room], acceptors, limits });
  await server.start();
  return server;
}

function join(client: RawClient, name: string): void {
  client.request(1, "room.room.join", toBinary(JoinRequestSchema, create(JoinRequestSchema, { room: "r", name })));
}

async function heard(client: RawClient): Promise<string> {
  const { kind, body } = await client.message(20_000);
  if (kind === MessageKind.push) return fromBinary(SaidResponseSchema, body).text;
  return `joined as ${fromBinary(JoinResponseSchema, body).members[0]}`;
}

describe.each([
  ["tcp", rawTcp],
  ["ws", rawWebSocket],
] as const)("over %s", (name, dial) => {
  test("pushes of one turn to very many come to each, once and in order, and to who asked before its answer", async () => {
    const port = portOf(await start(), name);
    for (let at = 0; at < members; at++) {
      const client = await dial(port);
      clients.push(client);
      await client.open({ sys: { platform: "mac", serializer: "protobuf" } });
      join(client, `${at}`);
      expect(await heard(client)).toBe(`joined as ${at}`);
    }
    // The first is written to before the others are walked through.
    for (const asking of [clients[0], clients[members - 1]]) {
      if (!asking) throw new Error("there is nobody");
      join(asking, "all");
      for (const client of clients) for (const text of lines) expect(await heard(client)).toBe(text);
      expect(await heard(asking)).toBe("joined as all");
    }
  }, 60_000);
});
