import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type Acceptor, createServer, implement, type Server, silentLogger, tcp, webSocket } from "nano-rpc";
import { afterEach, describe, expect, test } from "vitest";
import { RoomHandler, RoomPush } from "../../examples/chat/gen/chat/v1/chat_nano.ts";
import { JoinRequestSchema, JoinResponseSchema, SaidResponseSchema } from "../../examples/chat/gen/chat/v1/chat_pb.ts";
import { MessageKind } from "../../src/message/index.ts";
import { type RawClient, rawTcp, rawWebSocket } from "../support/raw-client.ts";
import { portOf } from "./edge-server.ts";

const lines = ["one", "two", "three"];
const none = Number.POSITIVE_INFINITY;

let server: Server | undefined;
const clients: RawClient[] = [];
// What was written to clients, ever.
let writes = 0;

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await server?.stop({ graceMs: 100 });
});

/** The same acceptor, whose writes are counted. */
function counted(acceptor: Acceptor): Acceptor {
  return Object.assign(Object.create(acceptor) as Acceptor, {
    start: ((accept, host) =>
      acceptor.start((socket) => {
        const write = socket.write.bind(socket);
        socket.write = (bytes) => {
          writes++;
          return write(bytes);
        };
        return accept(socket);
      }, host)) satisfies Acceptor["start"],
  });
}

/** Whoever joins is a member; whoever joins as a number has so many lines pushed to everybody, before it is answered. */
async function start(): Promise<Server> {
  const room = implement(RoomHandler, {
    async join({ name }, { session, group }) {
      const count = Number(name);
      for (const text of lines.slice(0, count)) group("all").push(RoomPush.said, { name, text });
      if (count === 0) await group("all").add(session);
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
  const acceptors = [counted(tcp({ port: 0 })), counted(webSocket({ port: 0 }))];
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

/** Fills the room. */
async function fill(members: number, port: number, dial: (port: number) => Promise<RawClient>): Promise<void> {
  for (let at = 0; at < members; at++) {
    const client = await dial(port);
    clients.push(client);
    await client.open({ sys: { platform: "mac", serializer: "protobuf" } });
    join(client, "0");
    expect(await heard(client)).toBe("joined as 0");
  }
}

/** So many lines for everybody, asked for by one: each hears them once and in order, the one before its answer. Gives how often was written. */
async function push(count: number, asking: RawClient | undefined): Promise<number> {
  if (!asking) throw new Error("there is nobody");
  const before = writes;
  join(asking, `${count}`);
  for (const client of clients) for (const text of lines.slice(0, count)) expect(await heard(client)).toBe(text);
  expect(await heard(asking)).toBe(`joined as ${count}`);
  return writes - before;
}

describe.each([
  ["tcp", rawTcp],
  ["ws", rawWebSocket],
] as const)("over %s", (name, dial) => {
  test("pushes of one turn to very many come to each, once and in order, and to who asked before its answer", async () => {
    // More than are walked through before some are written to once more.
    const members = 1_100;
    await fill(members, portOf(await start(), name), dial);
    // The first is written to before the others are walked through.
    for (const asking of [clients[0], clients[members - 1]]) await push(3, asking);
  }, 60_000);

  test("pushes of one turn to many leave in one write each, but for a few, whatever the turns before had", async () => {
    const members = 600;
    await fill(members, portOf(await start(), name), dial);
    // At most one more: who asked is answered.
    const one = (): Promise<number> => push(1, clients[members - 1]);
    const three = (): Promise<number> => push(3, clients[members - 1]);
    const [once, twice] = [members + 1, 2 * members + 1];
    expect(await three()).toBeLessThan(members + 100);
    expect(await three()).toBeLessThan(members + 100);
    for (let round = 0; round < 2; round++) {
      expect(await one()).toBeLessThanOrEqual(once);
      expect(await one()).toBeLessThanOrEqual(once);
      // It was to be expected that there is only one: that left at once.
      const surprised = await three();
      expect(surprised).toBeGreaterThan(members + 100);
      expect(surprised).toBeLessThanOrEqual(twice);
      expect(await three()).toBeLessThan(members + 100);
    }
  }, 60_000);
});
