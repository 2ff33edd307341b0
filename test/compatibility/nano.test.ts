// nano's own client beside the server that it was made for: what the two have agreed on is on the wire.
import { type ClientOptions, createClient, next, type Transport, webSocket } from "nano-rpc/client";
import { tcp } from "nano-rpc/client/tcp";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { RoomClient } from "../../examples/chat/gen/chat/v1/chat_client.ts";
import { chatRooms } from "../../examples/chat/src/rooms.ts";
import { decodeMessage } from "../../src/message/index.ts";
import { PacketDecoder, PacketType } from "../../src/packet/index.ts";
import { type Started, startServer } from "./started.ts";

const transports = [
  ["TCP", (chat: Started): Transport => tcp({ host: "127.0.0.1", port: chat.port })],
  ["WebSocket", (chat: Started): Transport => webSocket(`ws://127.0.0.1:${chat.ws}`)],
] as const;

interface Seen {
  readonly code: number;
  readonly compressed: boolean;
}

/** A transport, and the messages that go over it. */
function watched(transport: Transport): { readonly transport: Transport; readonly sent: Seen[]; readonly received: Seen[] } {
  const [sent, received]: [Seen[], Seen[]] = [[], []];
  const see = (seen: Seen[]): ((bytes: Uint8Array) => void) => {
    const decoder = new PacketDecoder({ maxPacketBytes: 10_000_000 });
    return (bytes) =>
      decoder.push(bytes, (type, buffer, from, to) => {
        if (type === PacketType.data) {
          const { code, compressed } = decodeMessage(buffer, from, to);
          seen.push({ code, compressed });
        }
        return true;
      });
  };
  return {
    sent,
    received,
    transport: {
      name: transport.name,
      async open(events, signal) {
        const [seeSent, seeReceived] = [see(sent), see(received)];
        const socket = await transport.open(
          {
            ...events,
            data(bytes) {
              seeReceived(bytes);
              events.data(bytes);
            },
          },
          signal,
        );
        return {
          send(packet) {
            seeSent(packet);
            socket.send(packet);
          },
          close: () => socket.close(),
        };
      },
    },
  };
}

let chat: Started;

beforeEach(async () => {
  chat = await startServer({ services: chatRooms() });
});

afterEach(async () => {
  await chat[Symbol.asyncDispose]();
});

describe.each(transports)("over %s", (_name, transportTo) => {
  const text = "a long line, ".repeat(1_000);

  async function talk(options: Omit<ClientOptions, "transport">) {
    const { transport, sent, received } = watched(transportTo(chat));
    const client = createClient({ reconnect: false, ...options, transport });
    const room = client.service(RoomClient);
    await client.connect();
    await room.join({ room: "lobby", name: "ann" });
    const said = next(room.onSaid);
    room.say({ text });
    expect((await said).text).toBe(text);
    return { client, room, sent, received };
  }

  test.each(["json", "protobuf"])("in %s: routes are codes both ways, and a large push is deflated", async (encoding) => {
    const { client, sent, received } = await talk({ encoding });
    expect(sent.map(({ code }) => code > 0)).toEqual([true, true]);
    const [, push] = received;
    expect([(push?.code ?? 0) > 0, push?.compressed]).toEqual([true, true]);
    await client.close();
  });

  test("neither, where the client does not want it", async () => {
    const { client, sent, received } = await talk({ codes: false, inflate: false });
    expect([...sent, ...received].filter(({ code, compressed }) => code >= 0 || compressed)).toEqual([]);
    await client.close();
  });

  test("the dictionary lasts over connections", async () => {
    const { client, room, sent, received } = await talk({});
    await client.close();
    await client.connect();
    await room.join({ room: "attic", name: "ann" });
    const said = next(room.onSaid);
    room.say({ text: "again" });
    expect((await said).text).toBe("again");
    expect(sent.slice(2).map(({ code }) => code)).toEqual(sent.slice(0, 2).map(({ code }) => code));
    expect(received.at(-1)?.code).toBe(received[1]?.code);
    await client.close();
  });
});
