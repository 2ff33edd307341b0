import { randomBytes } from "node:crypto";
import { create, toBinary } from "@bufbuild/protobuf";
import { etcd, silentLogger } from "nano-rpc";
import { createClient } from "nano-rpc/client";
import { tcp } from "nano-rpc/client/tcp";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { SessionContext } from "../../gen/nano/cluster/v1/link_pb.ts";
import { systemClock, systemRandom } from "../../src/clock/index.ts";
import { createRecordSeal, type Membership, type ServerInfo } from "../../src/discovery/index.ts";
import { createLinkTransport } from "../../src/link/index.ts";
import { systemNet } from "../../src/net/index.ts";
import { packSchema } from "../../src/route/index.ts";
import { info } from "../discovery/member.ts";
import { type FrameInit, RawLink } from "../link/raw-link.ts";
import { first, until } from "../net/recorder.ts";
import { OtherClient, PlayClient } from "../schema/gen/play/v1/play_client.ts";
import { OtherHandler } from "../schema/gen/play/v1/play_nano.ts";
import { WaitRequestSchema } from "../schema/gen/play/v1/play_pb.ts";
import { act, forwarded, type Key } from "./frames.ts";
import { attempts, besiege, type Siege } from "./siege.ts";
import { allClosed, allHave, inBatches, many, Stranger } from "./stranger.ts";

const token = "the secret of the cluster, of 32 bytes";
const challenge = new Uint8Array(32).fill(1);
const noEvents = { changed: () => {}, fenced: () => {}, available: () => {} };

let siege: Siege;
const cleanups: (() => unknown)[] = [];

beforeAll(async () => {
  siege = await besiege({ tokens: [token] });
});

afterAll(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  await siege.stop();
});

/** Writes a record, as somebody who has the token can. */
function joins(self: ServerInfo, schema?: Uint8Array): Promise<Membership> {
  const discovery = etcd({ endpoints: [siege.registry.endpoint], prefix: siege.prefix });
  const host = { clock: systemClock, random: systemRandom, log: silentLogger, seal: createRecordSeal([token]) };
  return discovery.join(self, schema, noEvents, host);
}

/** A link of somebody who has the token. */
async function insider(address: string, self: ServerInfo): Promise<RawLink> {
  const stranger = new Stranger(address);
  cleanups.push(() => stranger.close());
  const raw = stranger.link();
  raw.hello(self, { challenge, frontend: self.frontend, types: [...self.types] });
  await allHave([raw], "hello");
  raw.proof(token, self, raw.take("hello"));
  await allHave([raw], "proof");
  return raw;
}

/** What an honest frontend tells a backend of two of its sessions: the second ends before this resolves. */
async function contexts(): Promise<readonly [SessionContext, SessionContext]> {
  const came: RawLink[] = [];
  const transport = createLinkTransport(systemNet, { authorize: () => false, other: () => {} });
  const listener = await transport.listen({ host: "127.0.0.1", port: 0 }, (stream) => {
    const raw = new RawLink();
    raw.stream = stream;
    came.push(raw);
    return raw.events;
  });
  const schema = packSchema([OtherHandler]);
  const address = `127.0.0.1:${listener.port}`;
  const self = info("other-1", { types: ["other"], addresses: [address], schema: schema.hash, incarnation: 70_001n });
  const membership = await joins(self, schema.gzip);
  const clients = many(2, () => createClient({ transport: tcp({ host: "127.0.0.1", port: siege.ports.tcp }) }));
  for (const [at, client] of clients.entries()) {
    await client.connect();
    await client.service(PlayClient).enter({ user: `user-${at}` });
    client.service(OtherClient).put({ number: at });
  }
  const raw = await first(came);
  await allHave([raw], "hello");
  const gate = raw.take("hello");
  raw.hello(self, { challenge, frontend: false, types: ["other"] });
  await allHave([raw], "proof");
  raw.proof(token, self, gate, false);
  await until(() => raw.kinds.filter((kind) => kind === "forward").length, 10_000).toBe(2);
  const opened = [raw.take("open").context, raw.take("open").context].sort((one) => (one?.user === "user-0" ? -1 : 1));
  await membership.leave();
  await clients[1]?.close();
  raw.stream?.destroy();
  await listener.close();
  cleanups.push(() => clients[0]?.close());
  return opened as [SessionContext, SessionContext];
}

describe("a backend of the cluster, with a link of its own to the frontend,", () => {
  let here: SessionContext;
  let ended: SessionContext;
  let spy: RawLink;
  let calls = 0n;
  let pushes = 0n;

  beforeAll(async () => {
    [here, ended] = await contexts();
    spy = await insider(siege.ports.gate, info("spy-1", { types: ["spy"], incarnation: 70_002n }));
  });

  /** Does everything to sessions by keys that are not right, and gives how often each code was the answer. */
  async function acts(key: (at: number) => Key): Promise<Readonly<Record<string, number>>> {
    const codes: Record<string, number> = {};
    await inBatches(attempts, 200, async (from, count) => {
      const frames = many(count, (at): FrameInit => act(from + at, ++calls, key(from + at), pushes + 1n));
      // Numbers stand on pushes alone, one after the other.
      const numbered = frames.map((frame) => (frame.number ? { ...frame, number: ++pushes } : frame));
      spy.say(...numbered);
      await until(() => spy.kinds.filter((kind) => kind === "answer").length, 20_000).toBe(count);
      for (const { body } of spy.frames.splice(0)) {
        if (body.case !== "answer") continue;
        const { outcome } = body.value;
        const code = outcome.case === "error" ? outcome.value.code : (outcome.case ?? "nothing");
        codes[code] = (codes[code] ?? 0) + 1;
      }
    });
    return codes;
  }

  const flipped = (bytes: Uint8Array, bit: number): Uint8Array => {
    const other = Uint8Array.from(bytes);
    other[bit >> 3] = (other[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    return other;
  };

  test.each<[string, (at: number) => Key]>([
    ["with the right to another session", () => ({ session: here.session, capability: ended.capability })],
    [
      "with a right of which one bit is another",
      (at) => ({ session: here.session, capability: flipped(here.capability, at % 256) }),
    ],
    [
      "with a session of which one bit is another",
      (at) => ({ session: flipped(here.session, at % 128), capability: here.capability }),
    ],
    [
      "with a right that is made up, of any length",
      (at) => ({ session: here.session, capability: randomBytes([32, 0, 31, 33, 64][at % 5] ?? 0) }),
    ],
  ])("%s does nothing", async (_what, key) => {
    let codes = {};
    const refused = await siege.beside(async () => {
      codes = await acts(key);
    });
    expect(codes).toEqual({ permission_denied: attempts });
    expect(refused).toEqual({ gate: { framesRefused: { capability: attempts } } });
  });

  test("with the right to a session that is over does nothing", async () => {
    let codes = {};
    const refused = await siege.beside(async () => {
      codes = await acts(() => ended);
    });
    expect(codes).toEqual({ not_found: attempts });
    expect(refused).toEqual({ gate: { framesRefused: { ended: attempts } } });
  });

  test("with the right to it does something: what was refused would have worked", async () => {
    spy.say(act(0, ++calls, here, ++pushes));
    await until(() => spy.kinds.filter((kind) => kind === "answer").length, 10_000).toBe(1);
    expect(spy.take("answer").outcome.case).toBe("missed");
  });

  test("who sends a client's message as if he were the frontend is hung up on, also with the context that he was given", async () => {
    const attack = (): Promise<void> =>
      inBatches(attempts, 200, async (from, count) => {
        const stranger = new Stranger(siege.ports.play);
        const links = many(count, () => stranger.link());
        const self = (at: number) => ({ id: "spy-2", incarnation: 80_000n + BigInt(from + at) });
        for (const [at, raw] of links.entries()) raw.hello(self(at), { challenge, frontend: false, types: ["spy"] });
        await allHave(links, "hello");
        for (const [at, raw] of links.entries()) {
          raw.proof(token, self(at), raw.take("hello"));
          // Every other time of a frontend that he says he is, for another user.
          const { session, capability } = here;
          const own = {
            session,
            capability,
            frontend: "spy-2",
            incarnation: self(at).incarnation,
            user: "ann",
            roles: ["admin"],
          };
          raw.say(...forwarded(1n, at % 2 === 0 ? here : own));
        }
        await allClosed(links);
        for (const raw of links) expect(raw.take("goodbye").code).toBe("permission_denied");
        stranger.close();
      });
    expect(await siege.beside(attack)).toEqual({ play: { framesRefused: { frontend: attempts } } });
  });

  test("who says that he is a frontend, and is none that is known, gets no link", async () => {
    const attack = async (): Promise<void> => {
      // As many at once as there are tries: each waits for a record.
      const strangers = many(5, () => new Stranger(siege.ports.play));
      const links = many(attempts, (at) => (strangers[at % 5] as Stranger).link());
      const self = (at: number) => ({ id: "gate-9", incarnation: 90_000n + BigInt(at) });
      for (const [at, raw] of links.entries()) raw.hello(self(at), { challenge });
      await allHave(links, "hello");
      for (const [at, raw] of links.entries()) raw.proof(token, self(at), raw.take("hello"));
      await allClosed(links);
      for (const raw of links) expect(raw.take("goodbye").code).toBe("permission_denied");
      for (const stranger of strangers) stranger.close();
    };
    expect(await siege.beside(attack)).toEqual({ play: { linksRefused: { record: attempts } } });
  });
});

describe("what a frontend sends", () => {
  const self = info("gate-2", { types: ["gate"], frontend: true, incarnation: 70_003n });
  let gate: RawLink;
  let number = 0n;

  beforeAll(async () => {
    await joins(self).then((membership) => cleanups.push(() => membership.leave()));
    await vi.waitFor(async () => expect((await siege.account()).known).toContain(self.id), { timeout: 10_000 });
    gate = await insider(siege.ports.play, self);
  });

  const context = (at: number) => ({
    session: Uint8Array.from(Buffer.from(at.toString(16).padStart(32, "0"), "hex")),
    frontend: self.id,
    incarnation: self.incarnation,
  });

  test("is not begun past its deadline", async () => {
    const attack = (): Promise<void> =>
      inBatches(attempts, 200, async (from, count) => {
        for (let at = from; at < from + count; at++)
          gate.say(...forwarded(BigInt(at + 1), context(at + 1), { handle: at + 1, remainingMs: 0, number: ++number }));
        await until(() => gate.kinds.filter((kind) => kind === "answer").length, 20_000).toBe(from + count);
      });
    expect(await siege.beside(attack)).toEqual({ failed: { "play.play.keep deadline_exceeded": attempts } });
    const outcomes = gate.frames.splice(0).flatMap(({ body }) => (body.case === "answer" ? [body.value.outcome] : []));
    expect(outcomes.filter(({ case: kind }) => kind !== "error")).toEqual([]);
  });

  test("has no context any more past its deadline, for a handler that goes on", async () => {
    const body = toBinary(WaitRequestSchema, create(WaitRequestSchema, { ms: 1_000, text: "too late" }));
    const late = async (): Promise<readonly string[]> => (await siege.account()).late;
    expect(await late()).toEqual([]);
    const attack = async (): Promise<void> => {
      for (let at = attempts + 1; at <= 2 * attempts; at++) {
        const how = { handle: at, remainingMs: 500, number: ++number, route: "play.play.wait", body };
        gate.say(...forwarded(BigInt(at), context(at), how));
      }
      await until(() => gate.kinds.filter((kind) => kind === "answer").length, 20_000).toBe(attempts);
      // It pushes when it has slept.
      await vi.waitFor(async () => expect(await late()).toEqual(many(attempts, () => "canceled")), {
        timeout: 20_000,
        interval: 200,
      });
    };
    const refused = await siege.beside(attack, { "play.play.wait by nobody": attempts });
    expect(refused).toEqual({ failed: { "play.play.wait deadline_exceeded": attempts } });
    expect(gate.kinds).not.toContain("push");
  });
});
