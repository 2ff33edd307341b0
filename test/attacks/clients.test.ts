import { deflateSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { encodeMessage, MessageKind } from "../../src/message/index.ts";
import { encodePacket, PacketType } from "../../src/packet/index.ts";
import { rawUpgrade } from "../acceptor/raw-web-socket.ts";
import { until } from "../net/recorder.ts";
import { type RawClient, rawTcp } from "../support/raw-client.ts";
import { type RawPacket, textOf } from "../support/raw-peer.ts";
import { attempts, besiege, type Siege } from "./siege.ts";
import { inBatches, many } from "./stranger.ts";

const mebibyte = 1_024 * 1_024;
const slowMs = 20_000;

let siege: Siege;

beforeAll(async () => {
  siege = await besiege({ tokens: ["the secret of the cluster, of 32 bytes"] });
});

afterAll(() => siege.stop());

/** As many clients, one attempt each. */
function clients(attempt: (at: number) => Promise<void>): Promise<void> {
  return inBatches(attempts, 20, async (from, count) => void (await Promise.all(many(count, (at) => attempt(from + at)))));
}

async function opened(): Promise<RawClient> {
  const raw = await rawTcp(siege.ports.tcp);
  await raw.open();
  return raw;
}

/** Why a client was sent away: the code of the kick, undefined where there was none. */
function kicked(packets: readonly RawPacket[]): string | undefined {
  const kick = packets.find(({ type }) => type === PacketType.kick);
  return kick && JSON.parse(textOf(kick.body)).code;
}

function packet(kind: MessageKind, body: Uint8Array, compressed = false): Uint8Array {
  return encodePacket(
    PacketType.data,
    encodeMessage({ kind, id: 1, route: "play.play.kept", code: -1, compressed, error: false }, body),
  );
}

describe("a client", () => {
  test("whose message inflates to 16 MiB is kicked before it has", async () => {
    const bomb = packet(MessageKind.request, deflateSync(new Uint8Array(16 * mebibyte)), true);
    const attack = (): Promise<void> =>
      clients(async () => {
        const raw = await opened();
        raw.send(bomb);
        expect(kicked(await raw.closed(slowMs))).toBe("invalid_argument");
      });
    const refused = { limits: { packetBytes: attempts }, violations: attempts };
    expect(await siege.beside(attack)).toEqual({ frontend: refused });
  });

  test("that says it will send 1 MiB, and does so by single bytes, is sent away at once", async () => {
    const attack = (): Promise<void> =>
      clients(async () => {
        const raw = await rawTcp(siege.ports.tcp);
        for (const byte of [PacketType.handshake, 0x10, 0, 0, 0, 0, 0]) raw.send(Uint8Array.of(byte));
        expect(await raw.closed(slowMs)).toEqual([]);
      });
    expect(await siege.beside(attack)).toMatchObject({ frontend: { limits: { handshakeBytes: attempts } } });
  });

  test("that sends a WebSocket's message in fragments of one byte is sent away at the 65th", async () => {
    const fragments = many(100, (at) => Buffer.of(at === 0 ? 0x02 : 0x00, 0x81, 0, 0, 0, 0, PacketType.handshake));
    const attack = (): Promise<void> =>
      clients(async () => {
        const raw = await rawUpgrade(siege.ports.ws);
        raw.socket.write(Buffer.concat(fragments));
        await until(() => raw.closed, slowMs).toBe(true);
        expect(raw.closeCode).toBe(1008);
        raw.socket.destroy();
      });
    expect(await siege.beside(attack)).toMatchObject({ frontend: { limits: { fragments: attempts } } });
  });

  test.each([
    ["pushes", MessageKind.push],
    ["answers", MessageKind.response],
  ])("that %s is kicked", async (_what, kind) => {
    const attack = (): Promise<void> =>
      clients(async () => {
        const raw = await opened();
        raw.send(packet(kind, new Uint8Array(0)));
        expect(kicked(await raw.closed(slowMs))).toBe("invalid_argument");
      });
    expect(await siege.beside(attack)).toEqual({ frontend: { violations: attempts } });
  });

  // A session may send a hundred at once.
  const together = 50;

  test.each([
    [
      "a remote, or anything else that is not for clients",
      ["play.who.any", "play.who.owner", "who.any", "sys.nano", "nano.cluster.v1.LinkService/Link", "__proto__", "constructor"],
      "not_found",
      "route",
    ],
    ["what asks for a user, without one", ["play.play.note", "play.play.tell", "play.play.rule"], "unauthenticated", "access"],
  ] as const)("that asks for %s is refused", async (_what, routes, code, stage) => {
    const attack = (): Promise<void> =>
      inBatches(attempts, together, async (_from, count) => {
        const raw = await opened();
        for (let at = 0; at < count; at++) raw.request(at + 1, routes[at % routes.length] ?? "");
        for (let at = 0; at < count; at++) expect(JSON.parse((await raw.message(slowMs)).text).code).toBe(code);
        raw.close();
      });
    expect(await siege.beside(attack)).toEqual({ frontend: { refused: { [stage]: attempts } } });
  });
});
