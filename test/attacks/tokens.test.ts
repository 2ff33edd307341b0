import { createServer, etcd, silentLogger } from "nano-rpc";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { prove } from "../../src/link/proof.ts";
import type { RawLink } from "../link/raw-link.ts";
import { until } from "../net/recorder.ts";
import { playServices } from "../server/play.ts";
import { act, forwarded, remoteCall, userKick, userPush } from "./frames.ts";
import { attempts, besiege, type Siege } from "./siege.ts";
import { allClosed, allHave, inBatches, many, Stranger } from "./stranger.ts";

const token = "the secret of the cluster, of 32 bytes";
const former = "the secret that is about to be former.";
const retired = "the secret that was the first of them.";
const guessed = "the secret of some cluster, or another";
const self = { id: "stranger", incarnation: 99n };
const challenge = new Uint8Array(32).fill(1);

let siege: Siege;

beforeAll(async () => {
  siege = await besiege({ tokens: [token, former] });
});

afterAll(() => siege.stop());

/** What is said on a link that one has no right to: what a frontend does, then what a backend does. */
function mischief(raw: RawLink, at: number): void {
  const session = new Uint8Array(16).fill(at);
  const context = { session, frontend: "gate-1", incarnation: BigInt(siege.ports.gateIncarnation), user: "ann" };
  const key = { session, capability: new Uint8Array(32).fill(at) };
  raw.say(...forwarded(1n, context), remoteCall(2n, 2n), userKick(3n, "ann"), userPush(4n, "ann"), {
    ...act(at, 5n, key),
    number: 4n,
  });
}

/** Nothing was said but who is there, and why not. */
function wereTurnedAway(links: readonly RawLink[], code: string): void {
  for (const raw of links) {
    expect(raw.take("goodbye")).toMatchObject({ code });
    expect(raw.kinds.filter((kind) => kind !== "hello")).toEqual([]);
  }
}

/** On a link, and on both servers alternately. `show` comes after the server's Hello. */
async function triesLinks(hello: (raw: RawLink, at: number) => void, show?: (raw: RawLink, at: number) => void): Promise<void> {
  await inBatches(attempts, 200, async (from, count) => {
    const strangers = [new Stranger(siege.ports.gate), new Stranger(siege.ports.play)];
    const links = many(count, (at) => (strangers[at % 2] as Stranger).link());
    for (const [at, raw] of links.entries()) hello(raw, from + at);
    if (show) {
      await allHave(links, "hello");
      for (const [at, raw] of links.entries()) show(raw, from + at);
    }
    for (const [at, raw] of links.entries()) mischief(raw, from + at);
    await allClosed(links);
    wereTurnedAway(links, "unauthenticated");
    for (const stranger of strangers) stranger.close();
  });
}

const half = attempts / 2;
const linksRefused = { gate: { linksRefused: { token: half } }, play: { linksRefused: { token: half } } };
// Of any id, but the same one would take the place of itself.
const helloOf = (raw: RawLink, at: number): void => raw.hello({ ...self, incarnation: 1_000n + BigInt(at) }, { challenge });

describe("a link", () => {
  test("without a token", async () => {
    expect(await siege.beside(() => triesLinks((raw) => raw.hello(self, {})))).toEqual(linksRefused);
  });

  test.each([
    ["a wrong token", guessed],
    ["a token that was valid once", retired],
    ["an empty token", ""],
  ])("with %s", async (_what, wrong) => {
    const show = (raw: RawLink, at: number): void =>
      raw.proof(wrong, { ...self, incarnation: 1_000n + BigInt(at) }, raw.take("hello"));
    expect(await siege.beside(() => triesLinks(helloOf, show))).toEqual(linksRefused);
  });

  test("with the proof that somebody else has shown, overheard: to the same server, under the same name, over the same challenge", async () => {
    const honest = { id: "honest-2", incarnation: 7n };
    const incarnations = [BigInt(siege.ports.gateIncarnation), BigInt(siege.ports.playIncarnation)];
    const overheard = await Promise.all(
      [siege.ports.gate, siege.ports.play].map(async (address, at) => {
        const stranger = new Stranger(address);
        const raw = stranger.link();
        raw.hello(honest, { challenge, frontend: false, types: ["honest"] });
        await allHave([raw], "hello");
        const hello = raw.take("hello");
        expect(hello.incarnation).toBe(incarnations[at]);
        const mac = prove(token, hello.challenge, { dialed: true, prover: honest, verifier: hello });
        raw.say({ body: { case: "proof", value: { mac } } });
        // It is a proof: the server answers with its own.
        await allHave([raw], "proof");
        stranger.close();
        return { mac, theirs: raw.take("proof").mac };
      }),
    );
    const hello = (raw: RawLink): void => raw.hello(honest, { challenge, frontend: false, types: ["honest"] });
    const show = (raw: RawLink, at: number): void => {
      const { mac, theirs } = overheard[at % 2] as (typeof overheard)[number];
      // Every other time what the server itself has shown, sent back.
      raw.say({ body: { case: "proof", value: { mac: at % 4 < 2 ? mac : theirs } } });
    };
    expect(await siege.beside(() => triesLinks(hello, show))).toEqual(linksRefused);
  });
});

describe("a plain call", () => {
  test.each([
    ["without a token", () => undefined],
    ["with a wrong token", () => `Bearer ${guessed}`],
    ["with a token that was valid once", () => `Bearer ${retired}`],
    // Letter by letter, and at its end; and what would be a token to a sloppy reader.
    ["with a token that is nearly right", (at: number) => nearly(at)],
  ] as const)("%s", async (_what, authorization) => {
    const paths = ["/play.v1.WhoService/Any", "/play.v1.PlayService/Kept", "/nano.cluster.v1.SessionService/Kick", "/"];
    const attack = async (): Promise<void> => {
      await inBatches(attempts, 200, async (from, count) => {
        const strangers = [new Stranger(siege.ports.gate), new Stranger(siege.ports.play)];
        const answers = await Promise.all(
          many(count, (at) => {
            const shown = authorization(from + at);
            const path = paths[(at >> 1) % paths.length] ?? "";
            const headers = { ":path": path, ...(shown === undefined ? {} : { authorization: shown }) };
            return (strangers[at % 2] as Stranger).call(headers, new Uint8Array(0));
          }),
        );
        for (const { status, body } of answers) expect([status, body]).toEqual([401, ""]);
        for (const stranger of strangers) stranger.close();
      });
    };
    const refused = { callsRefused: { token: half } };
    expect(await siege.beside(attack)).toEqual({ gate: refused, play: refused });
  });

  function nearly(at: number): string {
    const letter = at % token.length;
    const changed = token.slice(0, letter) + String.fromCharCode(token.charCodeAt(letter) ^ 1) + token.slice(letter + 1);
    const forms = [
      `Bearer ${changed}`,
      `Bearer ${token.slice(0, letter)}`,
      `bearer ${token}`,
      `Bearer  ${token}`,
      token,
      `Basic ${token}`,
      `Bearer ${token},`,
    ];
    return forms[at % forms.length] ?? "";
  }
});

test("the former token, and the one that was retired, were good for servers that know them", async () => {
  const { services } = playServices(() => Promise.resolve());
  const old = createServer({
    id: "old-1",
    services,
    discovery: etcd({ endpoints: [siege.registry.endpoint], prefix: "/elsewhere" }),
    cluster: { tokens: [retired] },
    log: silentLogger,
  });
  await old.start();
  const doors = [
    [retired, old.addresses["cluster"] ?? ""],
    [former, siege.ports.play],
    [token, siege.ports.play],
  ] as const;
  for (const [shown, address] of doors) {
    const stranger = new Stranger(address);
    const raw = stranger.link();
    raw.hello(self, { challenge, frontend: false });
    await allHave([raw], "hello");
    raw.proof(shown, self, raw.take("hello"));
    raw.say(remoteCall(1n));
    await until(() => raw.kinds, 10_000).toEqual(expect.arrayContaining(["proof", "answer"]));
    stranger.close();
  }
  await old.stop({ graceMs: 100 });
});
