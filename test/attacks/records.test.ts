import { createServer as createTcpServer } from "node:net";
import { Etcd3 } from "etcd3";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { createRecordSeal, encodeRecord, type ServerInfo } from "../../src/discovery/index.ts";
import { info } from "../discovery/member.ts";
import { attempts, besiege, type Siege } from "./siege.ts";
import { inBatches, many } from "./stranger.ts";

const token = "the secret of the cluster, of 32 bytes";
const foreign = "the secret of another cluster of ours.";

let siege: Siege;
let registry: Etcd3;
let visits = 0;
// Where a stranger waits for whoever believes him.
const trap = createTcpServer((socket) => {
  visits++;
  socket.destroy();
});
let address = "";

beforeAll(async () => {
  siege = await besiege({ tokens: [token] });
  registry = new Etcd3({ hosts: siege.registry.endpoint });
  await new Promise<void>((resolve) => trap.listen(0, "127.0.0.1", resolve));
  address = `127.0.0.1:${Object(trap.address()).port}`;
});

afterEach(() => registry.delete().prefix(keyOf("play", "ghost-")).exec());

afterAll(async () => {
  registry.close();
  trap.close();
  await siege.stop();
});

const keyOf = (type: string, id: string): string => `${siege.prefix}/servers/${type}/${id}`;
const put = (key: string, value: string): PromiseLike<unknown> => registry.put(key).value(value).exec();

/** A server that answers all that `play` does, and would hear what clients say. */
function ghost(id: string, more: Partial<ServerInfo> = {}): ServerInfo {
  const { schema } = siege.honest.servers("play")[0] ?? { schema: "" };
  return info(id, { types: ["play"], addresses: [address], schema, ...more });
}

type Counts = Readonly<Record<string, number>>;

const sum = (counts: Counts): number => Object.values(counts).reduce((all, one) => all + one, 0);

/** How many values each server has passed over, by why. */
async function passedOver(): Promise<Counts[]> {
  const { gate, play } = await siege.account();
  return [gate, play, siege.honest.counters.cluster ?? gate].map(({ recordsRefused }) => ({ ...recordsRefused }));
}

/**
 * Writes so many values while the cluster works, and sees that nobody believes one. Gives why they were passed over.
 *
 * @param least How many of them each server sees.
 */
async function written(entry: (at: number) => readonly [key: string, value: string], least = attempts): Promise<string[]> {
  const before = await passedOver();
  await siege.beside(async () => {
    await inBatches(attempts, 50, async (from, count) => {
      await Promise.all(many(count, (at) => put(...entry(from + at))));
    });
    const seen = async (): Promise<number> =>
      Math.min(...(await passedOver()).map((all, at) => sum(all) - sum(before[at] ?? {})));
    await vi.waitFor(async () => expect(await seen()).toBeGreaterThanOrEqual(least), { timeout: 15_000, interval: 100 });
  });
  const ids = ["gate-1", "honest-1", "play-1"];
  expect((await siege.account()).known).toEqual([...ids, ...ids]);
  expect(siege.honest.servers().map(({ id }) => id)).toEqual(ids);
  expect(visits).toBe(0);
  const after = await passedOver();
  return Object.keys(after[0] ?? {}).filter((why) => after.some((all, at) => all[why] !== before[at]?.[why]));
}

describe("whoever can write to etcd, and has no token, adds no server", () => {
  test("by a record that is not signed", async () => {
    const why = await written((at) => [keyOf("play", `ghost-${at}`), encodeRecord(ghost(`ghost-${at}`), "play")]);
    expect(why).toEqual(["unsigned"]);
  });

  test("by one that is signed with a token of his own", async () => {
    const seal = createRecordSeal([foreign]);
    const why = await written((at) => {
      const key = keyOf("play", `ghost-${at}`);
      return [key, seal.sign(key, encodeRecord(ghost(`ghost-${at}`), "play"))];
    });
    expect(why).toEqual(["signature"]);
  });

  test("by a server's own record, carried to another place", async () => {
    const real = (await registry.get(keyOf("play", "play-1")).string()) ?? "";
    const why = await written((at) => [keyOf("play", `ghost-${at}`), real]);
    expect(why).toEqual(["signature"]);
  });

  test("by a server's own record with another address, or any letter changed, in its place", async () => {
    const key = keyOf("play", "play-1");
    const real = (await registry.get(key).string()) ?? "";
    const moved = real.replace(/127\.0\.0\.1:\d+/, address);
    expect(moved).not.toBe(real);
    const why = await written((at) => {
      if (at % 2 === 0) return [key, moved];
      const letter = (at >> 1) % real.length;
      return [key, real.slice(0, letter) + String.fromCharCode(real.charCodeAt(letter) ^ 1) + real.slice(letter + 1)];
      // Of one that is written over at once only the last may be seen.
    }, attempts / 10);
    expect(why.sort()).toEqual(["signature", "unsigned"]);
  });

  test("by what is no record, of any length", async () => {
    const why = await written((at) => [keyOf("play", `ghost-${at}`), at % 2 === 0 ? "{".repeat(at) : "x".repeat(10 * at)]);
    expect(why.sort()).toEqual(["format", "unsigned"]);
  });
});
