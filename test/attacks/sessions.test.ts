import { randomBytes } from "node:crypto";
import { create, toBinary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { SessionContext } from "../../gen/nano/cluster/v1/link_pb.ts";
import { info } from "../discovery/member.ts";
import type { FrameInit } from "../link/raw-link.ts";
import { until } from "../net/recorder.ts";
import { WaitRequestSchema } from "../schema/gen/play/v1/play_pb.ts";
import { act, forwarded, frontendAct, type Key, plainAct } from "./frames.ts";
import { createInsiders, type Insiders } from "./insiders.ts";
import { attempts, besiege, type Siege } from "./siege.ts";
import { allClosed, allHave, flipped, inBatches, many, Stranger } from "./stranger.ts";

const token = "the secret of the cluster, of 32 bytes";
const challenge = new Uint8Array(32).fill(1);

let siege: Siege;
let insiders: Insiders;

beforeAll(async () => {
  siege = await besiege({ tokens: [token] });
  insiders = createInsiders(siege, token);
});

afterAll(async () => {
  await insiders.close();
  await siege.stop();
});

describe("a backend of the cluster", () => {
  let here: SessionContext;
  let ended: SessionContext;
  let links = 0n;

  beforeAll(async () => {
    [here, ended] = await insiders.contexts();
  });

  type Acts = (key: (at: number) => Key, count?: number) => Promise<string[]>;

  /** Does everything to sessions by keys, over a link of its own, and gives the code of each answer: "" where it was done. */
  const byLink: Acts = async (key, count = attempts) => {
    const spy = await insiders.link(siege.ports.gate, info("spy-1", { types: ["spy"], incarnation: 71_000n + links++ }));
    let pushes = 0n;
    const codes: string[] = [];
    await inBatches(count, 200, async (from, some) => {
      const frames = many(some, (at): FrameInit => act(from + at, BigInt(from + at + 1), key(from + at)));
      // Numbers stand on pushes alone, one after the other.
      spy.say(...frames.map((frame) => (frame.body?.case === "push" ? { ...frame, number: ++pushes } : frame)));
      await until(() => spy.kinds.filter((kind) => kind === "answer").length, 20_000).toBe(some);
      for (const { body } of spy.frames.splice(0)) {
        if (body.case !== "answer") continue;
        const { outcome } = body.value;
        codes.push(outcome.case === "error" ? outcome.value.code : "");
      }
    });
    return codes;
  };

  /** The same, by plain calls with the token. */
  const byCalls = async (key: (at: number) => Key, count = attempts, of: "gate" | "play" = "gate"): Promise<string[]> => {
    const codes: string[] = [];
    await inBatches(count, 200, async (from, some) => {
      const stranger = new Stranger(siege.ports[of]);
      const calls = many(some, (at) => {
        const { path, body } = plainAct(from + at, key(from + at));
        return stranger.call({ ":path": path, authorization: `Bearer ${token}` }, body);
      });
      for (const { status, body } of await Promise.all(calls)) {
        // Of a method that is not there nothing is said but that, and not in JSON.
        codes.push(status === 200 ? "" : body.startsWith("{") ? JSON.parse(body).code : "unimplemented");
      }
      stranger.close();
    });
    return codes;
  };

  describe.each([
    ["over a link", byLink],
    ["by plain calls", byCalls],
  ])("%s,", (_how, acts) => {
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
      let codes: string[] = [];
      const refused = await siege.beside(async () => {
        codes = await acts(key);
      });
      expect(codes).toEqual(many(attempts, () => "permission_denied"));
      expect(refused).toEqual({ gate: { framesRefused: { capability: attempts } } });
    });

    test("with the right to a session that is over does nothing", async () => {
      let codes: string[] = [];
      const refused = await siege.beside(async () => {
        codes = await acts(() => ended);
      });
      expect(codes).toEqual(many(attempts, () => "not_found"));
      expect(refused).toEqual({ gate: { framesRefused: { ended: attempts } } });
    });

    test("with the right to it does something: what was refused would have worked", async () => {
      expect(await acts(() => here, 1)).toEqual([""]);
    });
  });

  test("that sends a client's message as if it were the frontend is hung up on, also with the context that it was given", async () => {
    const attack = (): Promise<void> =>
      inBatches(attempts, 200, async (from, count) => {
        const stranger = new Stranger(siege.ports.play);
        const links = many(count, () => stranger.link());
        const self = (at: number) => ({ id: "spy-2", incarnation: 80_000n + BigInt(from + at) });
        for (const [at, raw] of links.entries()) raw.hello(self(at), { challenge, frontend: false, types: ["spy"] });
        await allHave(links, "hello");
        for (const [at, raw] of links.entries()) {
          raw.proof(token, self(at), raw.take("hello"));
          // Every other time of a frontend that it says it is, for another user.
          const session = randomBytes(16);
          const { capability } = here;
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

  test("that calls a server plainly as if that were a frontend does nothing, whatever right it has", async () => {
    let codes: string[] = [];
    const refused = await siege.beside(async () => {
      codes = await byCalls(() => here, attempts, "play");
    });
    expect(codes).toEqual(many(attempts, () => "unimplemented"));
    expect(refused).toEqual({ play: { callsRefused: { method: attempts } } });
  });

  test.each([
    ["a frontend", "gate", "permission_denied"],
    ["a server that is none", "play", "unimplemented"],
  ] as const)("that asks %s for a client, or a session, as frontends do gets none", async (_whom, name, code) => {
    const spy = await insiders.link(siege.ports[name], info("spy-1", { types: ["spy"], incarnation: 71_000n + links++ }));
    const ticket = `${here.incarnation}.${Buffer.from(here.session).toString("hex")}.`;
    const codes: string[] = [];
    const attack = (): Promise<void> =>
      inBatches(attempts, 200, async (from, some) => {
        const secret = (): string => randomBytes(32).toString("base64url");
        spy.say(...many(some, (at) => frontendAct(from + at, BigInt(from + at + 1), ticket + secret(), here.user)));
        await until(() => spy.kinds.filter((kind) => kind === "answer").length, 20_000).toBe(some);
        for (const { body } of spy.frames.splice(0)) {
          if (body.case !== "answer") continue;
          const { outcome } = body.value;
          codes.push(outcome.case === "error" ? outcome.value.code : "");
        }
      });
    expect(await siege.beside(attack)).toEqual({ [name]: { framesRefused: { frontend: attempts } } });
    expect(codes).toEqual(many(attempts, () => code));
  });

  test("that says it is a frontend, and is none that is known, gets no link", async () => {
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

  beforeAll(async () => {
    await insiders.joins(self);
    await vi.waitFor(async () => expect((await siege.account()).known).toContain(self.id), { timeout: 10_000 });
  });

  const context = (at: number) => ({
    session: Uint8Array.from(Buffer.from(at.toString(16).padStart(32, "0"), "hex")),
    frontend: self.id,
    incarnation: self.incarnation,
  });

  test("is not begun past its deadline", async () => {
    const gate = await insiders.link(siege.ports.play, self);
    const attack = (): Promise<void> =>
      inBatches(attempts, 200, async (from, count) => {
        for (let at = from; at < from + count; at++)
          gate.say(...forwarded(BigInt(at + 1), context(at + 1), { handle: at + 1, remainingMs: 0, number: BigInt(at + 1) }));
        await until(() => gate.kinds.filter((kind) => kind === "answer").length, 20_000).toBe(from + count);
      });
    expect(await siege.beside(attack)).toEqual({ failed: { "play.play.keep deadline_exceeded": attempts } });
    const outcomes = gate.frames.splice(0).flatMap(({ body }) => (body.case === "answer" ? [body.value.outcome] : []));
    expect(outcomes.filter(({ case: kind }) => kind !== "error")).toEqual([]);
  });

  test("has no context any more past its deadline, for a handler that goes on", async () => {
    const gate = await insiders.link(siege.ports.play, self);
    const body = toBinary(WaitRequestSchema, create(WaitRequestSchema, { ms: 2_500, text: "too late" }));
    const { late: before } = await siege.account();
    const attack = async (): Promise<void> => {
      for (let at = 1; at <= attempts; at++) {
        const how = { handle: at, remainingMs: 1_500, number: BigInt(at), route: "play.play.wait", body };
        gate.say(...forwarded(BigInt(at), context(attempts + at), how));
      }
      await until(() => gate.kinds.filter((kind) => kind === "answer").length, 20_000).toBe(attempts);
      // It pushes when it has slept.
      const slept = async (): Promise<readonly string[]> => (await siege.account()).late.slice(before.length);
      await vi.waitFor(async () => expect(await slept()).toHaveLength(attempts), { timeout: 20_000, interval: 200 });
      expect(await slept()).toEqual(many(attempts, () => "canceled"));
    };
    const refused = await siege.beside(attack, { "play.play.wait by nobody": attempts });
    expect(refused).toEqual({ failed: { "play.play.wait deadline_exceeded": attempts } });
    expect(gate.kinds).not.toContain("push");
  });
});
