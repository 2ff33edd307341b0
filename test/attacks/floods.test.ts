import { connect } from "node:net";
import { setTimeout as rest } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { envelope } from "../link/raw-link.ts";
import { until } from "../net/recorder.ts";
import { endHeaders, endStream, frames, headerBlock, http2Frame, RawHttp2 } from "./raw-http2.ts";
import { attempts, besiege, type Siege } from "./siege.ts";
import { allClosed, inBatches, many, Stranger } from "./stranger.ts";

const token = "the secret of the cluster, of 32 bytes";
const mebibyte = 1_024 * 1_024;
const anyPath = "/play.v1.WhoService/Any";
const linkPath = "/nano.cluster.v1.LinkService/Link";

let siege: Siege;

beforeAll(async () => {
  siege = await besiege({ tokens: [token] });
});

afterAll(() => siege.stop());

/** Streams of one connection: the odd numbers. */
const streamOf = (at: number): number => 2 * at + 1;

// A stranger's connection is closed after 10 s: on a busy machine that must not come first.
const mostOnOne = 20;

/** Tries something on raw connections, so often in all, each on a stream of its own. One that was cut off is opened anew. */
async function tries(atOnce: number, one: (raw: RawHttp2, stream: number) => Promise<void>): Promise<void> {
  await Promise.all(
    many(atOnce, async () => {
      let raw: RawHttp2 | undefined;
      for (let at = 0; at < attempts / atOnce; at++) {
        if (raw === undefined || raw.closed || at % mostOnOne === 0) {
          raw?.close();
          raw = new RawHttp2(siege.ports.play);
        }
        await one(raw, streamOf(at % mostOnOne));
      }
      raw?.close();
    }),
  );
}

/** Does something over and over on each of some connections, until it is hung up on. */
async function untilHungUpOn(
  connections: number,
  begin: (raw: RawHttp2) => Promise<void>,
  over: (raw: RawHttp2, at: number) => Promise<void>,
): Promise<void> {
  await Promise.all(
    many(connections, async () => {
      const raw = new RawHttp2(siege.ports.play);
      await begin(raw);
      for (let at = 0; at < attempts && !raw.closed; at++) await over(raw, at);
      await raw.end();
    }),
  );
}

describe("before anybody has come in", () => {
  test("a body of 1 MiB is not waited for", async () => {
    const headers = headerBlock(anyPath, [
      ["content-type", "application/proto"],
      ["content-length", `${mebibyte}`],
    ]);
    const piece = new Uint8Array(16_384);
    let sent = 0;
    const attack = (): Promise<void> =>
      tries(10, async (raw, stream) => {
        await raw.say(http2Frame(frames.headers, endHeaders, stream, headers));
        const whole = sent + mebibyte;
        for (; sent < whole && !raw.over(stream); sent += piece.length) await raw.say(http2Frame(frames.data, 0, stream, piece));
        await until(() => raw.over(stream), 20_000).toBe(true);
      });
    expect(await siege.beside(attack)).toEqual({ play: { callsRefused: { token: attempts } } });
    expect(sent).toBeLessThan((attempts * mebibyte) / 2);
  });

  /** As small as frames can be. */
  function inPieces(stream: number, bytes: Uint8Array): Buffer {
    const all = Buffer.alloc(10 * bytes.length, http2Frame(frames.data, 0, stream, new Uint8Array(1)));
    for (const [at, byte] of bytes.entries()) all[10 * at + 9] = byte;
    return all;
  }

  test.each([
    ["a plain call", anyPath, "application/proto", new Uint8Array(50), { callsRefused: { token: attempts } }],
    // An envelope that says it has 1 MiB.
    [
      "a link",
      linkPath,
      "application/connect+proto",
      Uint8Array.of(0, 0, 0x10, 0, 0, ...new Uint8Array(45)),
      { linksRefused: { protocol: attempts } },
    ],
  ])("1 MiB in frames of one byte is not read, in %s", async (_what, path, type, begin, refused) => {
    const headers = headerBlock(path, [["content-type", type]]);
    let sent = 0;
    const attack = (): Promise<void> =>
      tries(5, async (raw, stream) => {
        await raw.say(http2Frame(frames.headers, endHeaders, stream, headers));
        const piece = inPieces(stream, begin);
        for (let bytes = 0; bytes < mebibyte && !raw.over(stream); bytes += begin.length, sent += begin.length) {
          await raw.say(piece);
          // Not faster than the server reads, or all of it lies in the system's buffers before the first byte was seen.
          await rest(10);
        }
        await until(() => raw.over(stream), 20_000).toBe(true);
      });
    expect(await siege.beside(attack)).toEqual({ play: refused });
    expect(sent).toBeLessThan((attempts * mebibyte) / 10);
  });

  test("what is compressed is not unpacked", async () => {
    const bomb = gzipSync(new Uint8Array(16 * mebibyte));
    const attack = (): Promise<void> =>
      inBatches(attempts, 100, async (_from, count) => {
        const strangers = many(4, () => new Stranger(siege.ports.play));
        const calls = many(count, (at) => (strangers[at % 4] as Stranger).call({ "content-encoding": "gzip" }, bomb));
        for (const { status } of await Promise.all(calls)) expect(status).toBe(401);
        const links = many(count, (at) => (strangers[at % 4] as Stranger).link());
        for (const raw of links) raw.sayBytes(envelope(bomb.subarray(0, 16_000), 1));
        await allClosed(links);
        for (const raw of links) expect(raw.take("goodbye").code).toBe("unimplemented");
        for (const stranger of strangers) stranger.close();
      });
    const refused = { callsRefused: { token: attempts }, linksRefused: { protocol: attempts } };
    expect(await siege.beside(attack)).toEqual({ play: refused });
  });

  test("who opens and resets streams as fast as can be is hung up on", async () => {
    const headers = headerBlock(linkPath, [["content-type", "application/connect+proto"]]);
    const cancel = Buffer.from([0, 0, 0, 8]);
    const connections = 5;
    const attack = (): Promise<void> =>
      untilHungUpOn(
        connections,
        async () => {},
        (raw, at) =>
          raw.say(
            ...many(100, (n) => streamOf(100 * at + n)).flatMap((stream) => [
              http2Frame(frames.headers, endHeaders | endStream, stream, headers),
              http2Frame(frames.reset, 0, stream, cancel),
            ]),
          ),
      );
    expect(await siege.beside(attack)).toEqual({ play: { connectionsRefused: { protocol: connections } } });
  });

  test.each([
    ["over 8 KiB", [["x-large", "y".repeat(9_000)] as const]],
    ["of which there are over 64", many(100, (at) => [`x-${at}`, "y"] as const)],
  ])("headers %s are refused unread, also with the token", async (_what, fields) => {
    const usual = [["authorization", `Bearer ${token}`] as const, ["content-type", "application/proto"] as const];
    const headers = headerBlock(anyPath, [...usual, ...fields]);
    const attack = (): Promise<void> =>
      tries(10, async (raw, stream) => {
        await raw.say(http2Frame(frames.headers, endHeaders | endStream, stream, headers));
        await until(() => raw.over(stream), 20_000).toBe(true);
      });
    expect(await siege.beside(attack)).toEqual({ play: { callsRefused: { headers: attempts } } });
  });

  test("who sends headers without end is hung up on", async () => {
    const connections = 20;
    // HEADERS that are never finished, then CONTINUATION upon CONTINUATION.
    const literal = headerBlock("/", [["x", "y".repeat(4_000)]]).subarray(2);
    const attack = (): Promise<void> =>
      untilHungUpOn(
        connections,
        (raw) => raw.say(http2Frame(frames.headers, 0, 1, headerBlock("/"))),
        (raw) => raw.say(http2Frame(frames.continuation, 0, 1, literal)),
      );
    expect(await siege.beside(attack)).toEqual({ play: { connectionsRefused: { protocol: connections } } });
  });

  test("of connections that say nothing the oldest go, and who belongs here still comes in", async () => {
    const [host, port] = siege.ports.play.split(":");
    const at = { host, port: Number(port) };
    let gone = 0;
    const sockets = new Set<ReturnType<typeof connect>>();
    const attack = async (): Promise<void> => {
      await inBatches(1_024 + attempts, 64, async (_from, count) => {
        await Promise.all(
          many(count, () => {
            const socket = connect(at)
              .on("error", () => {})
              .once("close", () => gone++);
            sockets.add(socket.resume());
            return new Promise((resolve) => socket.once("connect", resolve).once("close", resolve));
          }),
        );
      });
      await until(() => gone, 20_000).toBeGreaterThan(attempts - 50);
      const newcomer = new Stranger(siege.ports.play);
      const headers = { authorization: `Bearer ${token}`, "nano-caller": "honest-plain" };
      expect((await newcomer.call({ ...headers, ":path": "/play.v1.WhoService/Nothing" }, new Uint8Array(0))).status).toBe(404);
      newcomer.close();
    };
    const refused = Object(await siege.beside(attack)).play.connectionsRefused;
    expect(refused.busy + (refused.silent ?? 0)).toBeGreaterThanOrEqual(attempts - 50);
    for (const socket of sockets) socket.destroy();
  });
});

describe("with the token", () => {
  const headers = { authorization: `Bearer ${token}` };

  test("what is compressed is not unpacked", async () => {
    const bomb = gzipSync(new Uint8Array(16 * mebibyte));
    const stranger = new Stranger(siege.ports.play);
    const attack = (): Promise<void> =>
      inBatches(attempts, 100, async (_from, count) => {
        const calls = many(count, () => stranger.call({ ...headers, "content-encoding": "gzip" }, bomb));
        for (const { status } of await Promise.all(calls)) expect(status).toBe(501);
        const grpc = { ...headers, "content-type": "application/grpc", "grpc-encoding": "gzip", te: "trailers" };
        const more = many(count, () => stranger.call(grpc, envelope(bomb, 1)));
        for (const answer of await Promise.all(more)) expect(answer.headers["grpc-status"]).toBe("12");
      });
    expect(await siege.beside(attack)).toEqual({ play: { callsRefused: { body: 2 * attempts } } });
    stranger.close();
  });
});
