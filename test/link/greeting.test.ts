import { create } from "@bufbuild/protobuf";
import { beforeEach, describe, expect, test } from "vitest";
import { CallSchema, PingSchema } from "../../gen/nano/cluster/v1/link_pb.ts";
import type { Link } from "../../src/link/index.ts";
import { createHubs, type Hubs, serverInfo, type TestHub, whyNot } from "./hubs.ts";
import { envelope, type RawLink } from "./raw-link.ts";

const token = "a token of the cluster that is long enough";
const other = "a token of somebody else, as long as that";
const challenge = new Uint8Array(32).fill(7);
const raw1 = { id: "raw-1", incarnation: 77n };

let hubs: Hubs;

beforeEach(() => {
  hubs = createHubs();
});

function told(link: Promise<Link>): Promise<string> {
  return link.then(({ peer }) => `open to ${peer.id}`, whyNot);
}

function outcome(link: Promise<Link>): Promise<string> {
  return hubs.drive(told(link));
}

describe("two servers", () => {
  test.each([
    ["without a token", [], []],
    ["with the same token", [token], [token]],
    ["while one token replaces another", [token, other], [other, token]],
    ["where the dialer knows the new token only", [other], [token, other]],
  ])("open a link %s, and know each other", async (_what, dialer, dialed) => {
    const one = await hubs.hub("one", 1n, { tokens: dialer, frontend: true });
    const two = await hubs.hub("two", 2n, { tokens: dialed });
    const link = await hubs.drive(one.hub.linkTo(two.info));
    expect(link).toMatchObject({ dialed: true, closed: false, peer: { id: "two", incarnation: 2n, frontend: false } });
    await hubs.settle();
    expect(two.opened).toHaveLength(1);
    expect(two.opened[0]).toMatchObject({ dialed: false, peer: { id: "one", incarnation: 1n, frontend: true, types: ["play"] } });
    expect(await one.hub.linkTo(two.info)).toBe(link);
    expect(await two.hub.linkTo(one.info)).toBe(two.opened[0]);
  });

  test.each([
    ["another token", [other], [token], "one has another token than two"],
    ["no token", [], [token], "two asks for a token, and one has none: set cluster.tokens"],
    ["a token where none is asked for", [token], [], "one asks for a token, and two has none: set cluster.tokens"],
  ])("with %s are told so at both ends, and not what it is", async (_what, dialer, dialed, why) => {
    const one = await hubs.hub("one", 1n, { tokens: dialer });
    const two = await hubs.hub("two", 2n, { tokens: dialed });
    const [address] = two.info.addresses;
    expect(await outcome(one.hub.linkTo(two.info))).toBe(`unavailable: two is out of reach: ${address}: unauthenticated: ${why}`);
    expect(two.refused).toEqual([{ code: "unauthenticated", why }]);
    expect([...one.opened, ...two.opened]).toEqual([]);
  });

  test("a server that came back under its id is another one, and so is a server at its address", async () => {
    const one = await hubs.hub("one", 1n);
    const two = await hubs.hub("two", 2n);
    const [address = ""] = two.info.addresses;
    expect(await outcome(one.hub.linkTo(serverInfo("two", 0x22n, address)))).toMatch("not_found: two 2 is here, not 22");
    expect(await outcome(one.hub.linkTo(serverInfo("three", 3n, address)))).toMatch("not_found: two 2 is here, not 3");
    // Nobody has taken it for a link meanwhile.
    expect([...one.opened, ...two.opened]).toEqual([]);
    expect(two.refused).toHaveLength(2);
    expect(await outcome(one.hub.linkTo(two.info))).toBe("open to two");
  });

  test("a server does not talk to itself", async () => {
    const one = await hubs.hub("one", 1n);
    const self = one.hub.linkTo(serverInfo("one-under-an-old-address", 5n, ...one.info.addresses));
    expect(await outcome(self)).toMatch("failed_precondition: a server that takes itself for another");
    expect(one.opened).toEqual([]);
  });

  test("of several addresses the first that answers is taken", async () => {
    const one = await hubs.hub("one", 1n);
    const two = await hubs.hub("two", 2n);
    const info = serverInfo("two", 2n, "127.0.0.1:9", ...one.info.addresses, ...two.info.addresses);
    expect(await outcome(one.hub.linkTo(info))).toBe("open to two");
    expect(await outcome(one.hub.linkTo(serverInfo("nowhere", 9n)))).toBe("unavailable: nowhere has no address");
  });
});

describe("two servers that dial each other at once", () => {
  test.each([
    ["without a token", []],
    ["with a token", [token]],
  ])("%s are left with one link, the same at both ends", async (_what, tokens) => {
    for (const latencyMs of [0, 10]) {
      // Every lead that one dial may have over the other, in microtasks without latency, in milliseconds with it.
      for (let lead = -25; lead <= 25; lead++) {
        hubs = createHubs({ latencyMs });
        const one = await hubs.hub("one", 1n, { tokens });
        const two = await hubs.hub("two", 2n, { tokens });
        const later = async (from: TestHub, to: TestHub, delay: number): Promise<Link> => {
          if (latencyMs > 0) await new Promise<void>((resolve) => hubs.clock.after(delay, resolve));
          else for (let at = 0; at < delay; at++) await undefined;
          return from.hub.linkTo(to.info);
        };
        const both = Promise.all([later(one, two, Math.max(0, lead)), later(two, one, Math.max(0, -lead))]);
        const [here, there] = await hubs.drive(both);
        await hubs.advance(200);
        const what = `with a lead of ${lead}, latency ${latencyMs}`;
        expect([[...one.hub.links()], [...two.hub.links()]], what).toEqual([[here], [there]]);
        expect(here.dialed, what).toBe(!there.dialed);
        expect([...one.closed, ...two.closed], what).toEqual([]);
      }
    }
  });

  test("one of whom cannot be reached are left with the link of the other", async () => {
    const one = await hubs.hub("one", 1n);
    const two = await hubs.hub("two", 2n);
    const away = await hubs.listen("away");
    hubs.net.cut("one", "away");
    const hidden = one.hub.linkTo(serverInfo("two", 2n, away.address));
    const seen = two.hub.linkTo(one.info);
    expect(await outcome(seen)).toBe("open to one");
    expect(await outcome(hidden)).toBe("open to two");
    expect([...one.hub.links()]).toHaveLength(1);
  });

  test("a link that only one end has lost is replaced", async () => {
    for (const [incarnation, dialing] of [
      [1n, 2n],
      [2n, 1n],
    ] as const) {
      hubs = createHubs();
      const dialed = await hubs.hub("dialed", dialing);
      const raw = await hubs.raw(dialed);
      raw.hello({ id: "raw-1", incarnation });
      await hubs.settle();
      const again = await hubs.raw(dialed);
      again.hello({ id: "raw-1", incarnation });
      await hubs.settle();
      expect(dialed.opened).toHaveLength(2);
      expect(dialed.closed).toMatchObject([{ link: dialed.opened[0], error: { code: "unavailable" } }]);
      expect([...dialed.hub.links()]).toEqual([dialed.opened[1]]);
      expect([raw.closed, again.closed]).toEqual([true, false]);
    }
  });
});

describe("whoever dials a server", () => {
  let one: TestHub;
  let raw: RawLink;

  async function begin(tokens: readonly string[]): Promise<void> {
    one = await hubs.hub("one", 1n, { tokens });
    raw = await hubs.raw(one);
    await hubs.settle();
    // Who is here is nothing for somebody who has not said a word.
    expect(raw.frames).toEqual([]);
  }

  async function refusedWith(code: string, why: string): Promise<void> {
    await hubs.settle();
    expect(raw.take("goodbye")).toMatchObject({ code, reason: why });
    expect(raw.closed).toBe(true);
    expect(one.refused).toEqual([{ code, why }]);
    expect([one.opened, one.frames]).toEqual([[], []]);
  }

  test.each([
    ["an older protocol", { protocolMin: 0, protocolMax: 0 }, "unimplemented", "raw-1 speaks the protocols 0 to 0, one speaks 1"],
    ["a newer protocol", { protocolMin: 2, protocolMax: 9 }, "unimplemented", "raw-1 speaks the protocols 2 to 9, one speaks 1"],
    ["no id", { id: "" }, "invalid_argument", "a Hello that names no server"],
    ["no incarnation", { incarnation: 0n }, "invalid_argument", "a Hello that names no server"],
    ["this server's incarnation", { incarnation: 1n }, "failed_precondition", "a server that takes itself for another"],
  ])("with %s is told so", async (_what, differs, code, why) => {
    await begin([]);
    raw.hello(raw1, differs);
    await refusedWith(code, why);
  });

  test("may speak newer protocols beside this one, and have features nobody knows", async () => {
    await begin([]);
    raw.hello(raw1, { protocolMin: 1, protocolMax: 5, features: ["resend"], encodings: ["protobuf", "thrift"] });
    await hubs.settle();
    expect(raw.take("hello")).toMatchObject({ id: "one", protocolMin: 1, protocolMax: 1 });
    expect(one.opened).toHaveLength(1);
  });

  test("with frames before Hello is refused, and they are not taken", async () => {
    await begin([]);
    raw.say({ number: 1n, body: { case: "call", value: create(CallSchema, { call: 1n, route: "a.b.c" }) } });
    await refusedWith("failed_precondition", 'a frame "call" before the link was open');
  });

  test("with Hello twice is refused: before the proof, and when the link is open", async () => {
    await begin([token]);
    raw.hello(raw1, { challenge });
    raw.hello(raw1, { challenge });
    await refusedWith("failed_precondition", 'a frame "hello" before the link was open');

    hubs = createHubs();
    await begin([]);
    raw.hello(raw1);
    raw.hello(raw1);
    await hubs.settle();
    expect(raw.take("goodbye")).toMatchObject({ code: "failed_precondition", reason: "a second hello" });
    expect(one.closed).toMatchObject([{ error: { code: "failed_precondition" } }]);
  });

  test("with frames between Hello and proof is refused, and they are not taken", async () => {
    await begin([token]);
    raw.hello(raw1, { challenge });
    raw.say({ body: { case: "ping", value: create(PingSchema) } });
    await refusedWith("failed_precondition", 'a frame "ping" before the link was open');
  });

  test("with a proof that nobody asked for is refused", async () => {
    await begin([]);
    raw.proof(token, raw1, { ...one.info, challenge });
    await refusedWith("failed_precondition", 'a frame "proof" before the link was open');
  });

  test.each([
    ["says nothing", () => {}],
    ["says Hello and no more", () => raw.hello(raw1, { challenge })],
    ["begins an envelope", () => raw.sayBytes(envelope(new Uint8Array(100)).subarray(0, 50))],
    ["sends frames that are none", () => raw.say({ load: 1 })],
  ])("and %s is gone after 5 s", async (_what, act) => {
    await begin([token]);
    act();
    await hubs.advance(4_900);
    expect(raw.closed).toBe(false);
    await hubs.advance(700);
    await refusedWith("deadline_exceeded", "no greeting within 5000 ms");
  });

  test("and hangs up is forgotten", async () => {
    await begin([token]);
    raw.stream?.destroy();
    await hubs.settle();
    expect(one.refused).toEqual([{ code: "unavailable", why: "the peer closed the link" }]);
  });

  test("with a Hello of over 16 KiB is refused before it is read", async () => {
    await begin([token]);
    raw.hello(raw1, { challenge, types: ["x".repeat(16_384)] });
    await hubs.settle();
    expect(one.refused).toMatchObject([{ code: "resource_exhausted" }]);
  });
});

describe("a proof", () => {
  const raw2 = { id: "raw-2", incarnation: 78n };
  let one: TestHub;

  beforeEach(async () => {
    one = await hubs.hub("one", 1n, { tokens: [token] });
  });

  async function greet(self = raw1, ownChallenge = challenge): Promise<{ raw: RawLink; hello: Parameters<RawLink["proof"]>[2] }> {
    const raw = await hubs.raw(one);
    raw.hello(self, { challenge: ownChallenge });
    await hubs.settle();
    return { raw, hello: raw.take("hello") };
  }

  async function refused(raw: RawLink): Promise<void> {
    await hubs.settle();
    expect(one.opened).toEqual([]);
    expect(raw.take("goodbye")).toMatchObject({ code: "unauthenticated" });
    // Who has shown no proof is shown none.
    expect(raw.kinds).not.toContain("proof");
  }

  test("opens the link, and is answered with one", async () => {
    const { raw, hello } = await greet();
    expect(hello.challenge).toHaveLength(32);
    raw.proof(token, raw1, hello);
    await hubs.settle();
    expect(raw.take("proof").mac).toHaveLength(32);
    expect(one.opened).toHaveLength(1);
  });

  test("is good for one challenge", async () => {
    const first = await greet();
    const second = await greet();
    expect(first.hello.challenge).not.toEqual(second.hello.challenge);
    second.raw.proof(token, raw1, first.hello);
    await refused(second.raw);
  });

  test("is good for who shows it, to whom, and from which side", async () => {
    const name = await greet();
    name.raw.proof(token, raw2, name.hello);
    await refused(name.raw);
    const verifier = await greet();
    verifier.raw.proof(token, raw1, { ...verifier.hello, id: "raw-2" });
    await refused(verifier.raw);
    const incarnation = await greet();
    incarnation.raw.proof(token, raw1, { ...incarnation.hello, incarnation: 2n });
    await refused(incarnation.raw);
    const side = await greet();
    side.raw.proof(token, raw1, side.hello, false);
    await refused(side.raw);
  });

  test("cannot be had from one server for another", async () => {
    // A stranger between: dials both, gives each the other's name, and the challenge of the one to the other.
    const two = await hubs.hub("two", 2n, { tokens: [token] });
    const toOne = await hubs.raw(one);
    toOne.hello(two.info, { challenge });
    await hubs.settle();
    const toTwo = await hubs.raw(two);
    toTwo.hello(one.info, { challenge: toOne.take("hello").challenge });
    await hubs.settle();
    // Two asks for a proof first.
    expect(toTwo.kinds).toEqual(["hello"]);
    await hubs.advance(6_000);
    expect([...one.opened, ...two.opened]).toEqual([]);
  });

  test("of no bytes, or too many, is none", async () => {
    for (const length of [0, 31, 33, 4_096]) {
      const { raw } = await greet();
      raw.say({ body: { case: "proof", value: { mac: new Uint8Array(length) } } });
      await refused(raw);
    }
  });
});

describe("a server that dials", () => {
  let one: TestHub;
  let raw: RawLink;
  let dialed: Promise<string>;

  async function dial(tokens: readonly string[]): Promise<void> {
    one = await hubs.hub("one", 1n, { tokens });
    const { address, came } = await hubs.listen();
    dialed = told(one.hub.linkTo(serverInfo("raw-1", 77n, address)));
    await hubs.settle();
    raw = came[0] as RawLink;
    expect(raw.take("hello")).toMatchObject({ id: "one", incarnation: 1n, types: ["play"], wanted: 77n });
  }

  test("gives up after 3 s of silence", async () => {
    await dial([]);
    const before = hubs.clock.now();
    expect(await hubs.drive(dialed)).toMatch("no answer within 3000 ms");
    expect(hubs.clock.now() - before).toBe(3_000);
    await hubs.settle();
    expect(raw.closed).toBe(true);
  });

  test("shows no proof to a server that it did not look for", async () => {
    await dial([token]);
    raw.hello({ id: "raw-1", incarnation: 78n }, { challenge });
    expect(await hubs.drive(dialed)).toMatch("not_found: raw-1 4e is here, not raw-1 4d");
    expect(raw.kinds).toEqual(["goodbye"]);
  });

  test("takes no link without a proof of the other side", async () => {
    await dial([token]);
    raw.hello(raw1, { challenge });
    await hubs.settle();
    raw.proof(other, raw1, { ...one.info, challenge: raw.take("proof").mac }, false);
    expect(await hubs.drive(dialed)).toMatch("unauthenticated: raw-1 has another token than one");
    expect(raw.take("goodbye")).toMatchObject({ code: "unauthenticated" });
    expect(one.opened).toEqual([]);
  });

  test("believes a goodbye its code, and no more of its words than it can use", async () => {
    await dial([token]);
    raw.say({ body: { case: "goodbye", value: { code: "unauthenticated", reason: "x".repeat(100_000) } } });
    const why = await hubs.drive(dialed);
    expect(why).toMatch(/unauthenticated: x{256}$/);
  });

  test.each(["nonsense", ""])('takes a goodbye with the code "%s" for unavailable', async (code) => {
    await dial([]);
    raw.say({ body: { case: "goodbye", value: { code, reason: "why" } } });
    expect(await hubs.drive(dialed)).toMatch(/out of reach: [\d.:]+: unavailable: why$/);
  });
});
