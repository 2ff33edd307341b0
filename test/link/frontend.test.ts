import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { createServer, memory, NanoError, type Server, silentLogger, tcp } from "nano-rpc";
import { type Client, createClient, type Transport } from "nano-rpc/client";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Answer, SessionContext } from "../../gen/nano/cluster/v1/link_pb.ts";
import { seededRandom } from "../../src/clock/index.ts";
import { createRecordSeal } from "../../src/discovery/index.ts";
import type { Net } from "../../src/net/index.ts";
import { packSchema } from "../../src/route/index.ts";
import { frontendAct } from "../attacks/frames.ts";
import { PlayClient } from "../schema/gen/play/v1/play_client.ts";
import { PlayHandler } from "../schema/gen/play/v1/play_nano.ts";
import {
  KeepRequestSchema,
  KeptResponseSchema,
  PlaySessionSchema,
  ToldResponseSchema,
  WaitResponseSchema,
} from "../schema/gen/play/v1/play_pb.ts";
import { createHubs, type Hubs, serverInfo } from "./hubs.ts";
import type { FrameInit, RawLink } from "./raw-link.ts";

const incarnation = 500n;

let hubs: Hubs;
let gate: Server;
let came: readonly RawLink[];
let clients: Client[];

beforeEach(async () => {
  hubs = createHubs();
  clients = [];
  came = await begin(3);
});

/** Starts the gate; gives what it dials as the backend. */
async function begin(seed: number): Promise<readonly RawLink[]> {
  const discovery = memory();
  const random = seededRandom(seed);
  const net = hubs.net.as("gate-1");
  gate = createServer({
    id: "gate-1",
    types: ["gate"],
    acceptors: [tcp({ port: 0 })],
    discovery,
    clock: hubs.clock,
    random,
    net,
    log: silentLogger,
  });
  const listening = await hubs.listen("play-1");
  const schema = packSchema([PlayHandler]);
  await discovery.join(
    { ...serverInfo("play-1", incarnation, listening.address), schema: schema.hash },
    schema.gzip,
    { changed: () => {}, fenced: () => {}, available: () => {} },
    { clock: hubs.clock, random, log: silentLogger, seal: createRecordSeal([]) },
  );
  await hubs.drive(gate.start());
  return listening.came;
}

afterEach(async () => {
  await hubs.drive(Promise.all(clients.map((client) => client.close())));
  await hubs.drive(gate.stop({ graceMs: 10 }));
});

/** @param heard Also hears all that the client hears. */
function memoryTransport(net: Net, address: string, heard: (bytes: Uint8Array) => void): Transport {
  const port = Number(address.slice(address.lastIndexOf(":") + 1));
  return {
    name: "memory",
    async open(events, signal) {
      const data = (bytes: Uint8Array): void => {
        heard(bytes);
        events.data(bytes);
      };
      const stream = await net.connect({ host: "127.0.0.1", port }, { ...events, data, drain: () => {} }, signal);
      return { send: (packet) => void stream.write(packet), close: () => stream.end() };
    },
  };
}

async function connect(heard: (bytes: Uint8Array) => void = () => {}): Promise<{ client: Client; play: PlayClient }> {
  const host = `client-${clients.length}`;
  const client = createClient({
    clock: hubs.clock,
    encoding: "protobuf",
    transport: memoryTransport(hubs.net.as(host), gate.addresses["tcp"] ?? "", heard),
  });
  clients.push(client);
  await hubs.drive(client.connect());
  return { client, play: client.service(PlayClient) };
}

/** The backend takes the link that the gate has opened, and greets. */
async function greet(): Promise<RawLink> {
  await hubs.settle();
  const raw = came.at(-1);
  if (!raw) throw new Error("the gate has dialed nobody");
  expect(raw.take("hello")).toMatchObject({ id: "gate-1", frontend: true, wanted: incarnation });
  raw.hello({ id: "play-1", incarnation }, { frontend: false, types: ["play"] });
  await hubs.settle();
  return raw;
}

interface Entered {
  readonly client: Client;
  readonly play: PlayClient;
  readonly raw: RawLink;
  readonly handle: number;
  readonly context: SessionContext;
}

/** A client whose session the backend knows. */
async function enter(heard?: (bytes: Uint8Array) => void): Promise<Entered> {
  const { client, play } = await connect(heard);
  const kept = play.kept({});
  const raw = await greet();
  const { handle, context } = raw.take("open");
  if (!context) throw new Error("no context");
  answer(raw, raw.take("forward").call);
  await hubs.drive(kept);
  raw.frames.length = 0;
  return { client, play, raw, handle, context };
}

function answer(raw: RawLink, call: bigint, body: Uint8Array = toBinary(KeptResponseSchema, create(KeptResponseSchema))): void {
  raw.say({ body: { case: "answer", value: { call, outcome: { case: "body", value: body } } } });
}

const told = (text: string): Uint8Array => toBinary(ToldResponseSchema, create(ToldResponseSchema, { text }));

/** What the gate answered to calls of the backend. */
function outcome(raw: RawLink, call: bigint): Answer["outcome"]["case"] | string {
  for (const { body } of raw.frames) {
    if (body.case !== "answer" || body.value.call !== call) continue;
    return body.value.outcome.case === "error" ? body.value.outcome.value.code : body.value.outcome.case;
  }
  return "nothing";
}

describe("a frontend on its links", () => {
  test("says in this order: its groups, that its sessions are all there, each session once, then what the client sent", async () => {
    const { play } = await connect();
    const waited = play.wait({ ms: 1, text: "x" });
    play.keep({ number: 1 });
    play.keep({ number: 2 });
    const raw = await greet();
    expect(raw.kinds).toEqual(["interest", "synced", "open", "forward", "forward", "forward"]);
    expect(raw.take("interest")).toMatchObject({ epoch: 1n, snapshot: true, added: [] });
    const { handle, context, version } = raw.take("open");
    expect(context).toMatchObject({ frontend: "gate-1", incarnation: gate.info.incarnation, user: "", roles: [] });
    expect([context?.session.length, context?.capability.length]).toEqual([16, 32]);
    const forwards = [raw.take("forward"), raw.take("forward"), raw.take("forward")];
    expect(forwards.map(({ route, notify }) => [route, notify])).toEqual([
      ["play.play.wait", false],
      ["play.play.keep", true],
      ["play.play.keep", true],
    ]);
    expect(new Set(forwards.map((forward) => `${forward.handle} ${forward.version}`))).toEqual(new Set([`${handle} ${version}`]));
    expect(forwards.slice(1).map(({ body }) => fromBinary(KeepRequestSchema, body).number)).toEqual([1, 2]);
    // The method's own time, less what the link has taken.
    expect(forwards[0]?.envelope).toMatchObject({ remainingMs: 1_000, hops: 0 });
    const [first] = forwards;
    answer(raw, first?.call ?? 0n, toBinary(WaitResponseSchema, create(WaitResponseSchema, { text: "back" })));
    expect((await hubs.drive(waited)).text).toBe("back");
  });

  test("opens another client's session beside the first, and ends each by itself", async () => {
    const one = await enter();
    const other = await connect();
    other.play.keep({ number: 1 });
    await hubs.settle();
    const { handle, context } = one.raw.take("open");
    expect(handle).not.toBe(one.handle);
    expect(context?.session).not.toEqual(one.context.session);
    await hubs.drive(other.client.close());
    await hubs.settle();
    const end = one.raw.take("end");
    expect(end).toMatchObject({ handle, reason: { kind: "left" } });
    expect(end.call).not.toBe(0n);
    expect(one.client.state.name).toBe("open");
  });

  test("passes on pushes before the answer that follows them", async () => {
    const { play, raw, handle } = await enter();
    const heard: string[] = [];
    play.onTold(({ text }) => void heard.push(text));
    const kept = play.kept({}).then(() => void heard.push("answer"));
    await hubs.settle();
    const { call } = raw.take("forward");
    const push = (text: string): FrameInit => ({
      number: 1n,
      body: { case: "push", value: { route: "play.play.told", body: told(text), target: { case: "handle", value: handle } } },
    });
    raw.say(push("1"), push("2"), {
      body: { case: "answer", value: { call, outcome: { case: "body", value: new Uint8Array(0) } } },
    });
    await hubs.drive(kept);
    await hubs.settle();
    expect(heard).toEqual(["1", "2", "answer"]);
  });

  test("pushes to whom the right is shown, and answers for the others", async () => {
    const { play, raw, handle, context } = await enter();
    const heard: string[] = [];
    play.onTold(({ text }) => void heard.push(text));
    const { session, capability } = context;
    const forged = capability.slice();
    forged[0] = (forged[0] ?? 0) ^ 1;
    const push = (call: bigint, target: NonNullable<Parameters<typeof pushOf>[1]>): FrameInit => pushOf(call, target);
    raw.say(
      push(1n, { case: "handle", value: handle }),
      push(2n, { case: "handle", value: handle + 1 }),
      push(3n, { case: "session", value: { session, capability } }),
      push(4n, { case: "session", value: { session, capability: forged } }),
      push(5n, { case: "session", value: { session, capability: new Uint8Array(0) } }),
      push(6n, { case: "session", value: { session: new Uint8Array(16), capability } }),
      push(7n, { case: "users", value: { users: ["nobody"] } }),
      push(8n, { case: "group", value: { type: "play", name: "empty" } }),
      push(9n, { case: undefined }),
      push(0n, { case: "handle", value: 99 }),
    );
    await hubs.settle();
    expect([1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n, 9n].map((call) => outcome(raw, call))).toEqual([
      "missed",
      "not_found",
      "missed",
      "permission_denied",
      "permission_denied",
      "permission_denied",
      "missed",
      "missed",
      "not_found",
    ]);
    expect(heard).toEqual(["call 1", "call 3"]);
  });

  test("binds, and says so to those who know the session; writes data, if it is as expected", async () => {
    const { raw, handle } = await enter();
    const target = { by: { case: "handle", value: handle } } as const;
    const fields = toBinary(PlaySessionSchema, create(PlaySessionSchema, { note: "n", coins: 3n }));
    const type = "play.v1.PlaySession";
    raw.say({ body: { case: "bind", value: { call: 1n, session: target, user: "ann", roles: ["admin"] } } });
    await hubs.settle();
    raw.say(
      { body: { case: "write", value: { call: 2n, session: target, patch: { type, fields } } } },
      {
        body: {
          case: "write",
          value: { call: 3n, session: target, patch: { type, cleared: [1] }, expected: { type, cleared: [2] } },
        },
      },
      {
        body: { case: "write", value: { call: 4n, session: target, patch: { type, cleared: [1] }, expected: { type, fields } } },
      },
      { body: { case: "write", value: { call: 5n, session: target } } },
      { body: { case: "write", value: { call: 6n, session: target, patch: { type, fields: new Uint8Array(3_000).fill(8) } } } },
      { body: { case: "bind", value: { call: 7n, user: "eve" } } },
    );
    await hubs.settle();
    const patches = raw.frames.flatMap(({ body }) => (body.case === "patch" ? [body.value] : []));
    expect(patches).toMatchObject([
      { handle, user: { user: "ann", roles: ["admin"] } },
      { handle, data: { type, fields, cleared: [] } },
      { handle, data: { type, cleared: [1] } },
    ]);
    const versions = patches.map(({ version }) => version);
    expect(versions).toEqual([...versions].sort());
    expect(new Set(versions).size).toBe(3);
    const outcomes = raw.frames.flatMap(({ body }) => {
      if (body.case !== "answer") return [];
      const { call, outcome: given } = body.value;
      return [[call, given.case === "error" ? given.value.code : given.case === "bound" ? given.value.former : given.value]];
    });
    expect(outcomes.sort(([one], [other]) => Number(one) - Number(other))).toEqual([
      [1n, "none"],
      [2n, true],
      [3n, false],
      [4n, true],
      [5n, "invalid_argument"],
      [6n, "resource_exhausted"],
      [7n, "not_found"],
    ]);
  });

  test("tells of its groups as they get their first member, and lose their last", async () => {
    const { raw, handle, client } = await enter();
    const session = { by: { case: "handle", value: handle } } as const;
    const group = { type: "play", name: "g" };
    raw.say(
      { body: { case: "groupChange", value: { call: 1n, session, group } } },
      { body: { case: "groupChange", value: { call: 2n, session, group } } },
      { body: { case: "groupChange", value: { call: 3n, session, group: { type: "other", name: "not ours" } } } },
      { body: { case: "groupQuery", value: { call: 4n, group } } },
      { body: { case: "groupChange", value: { call: 5n, session: { by: { case: "handle", value: 99 } }, group } } },
    );
    await hubs.settle();
    // Known here before it is answered; a group of another type is nothing to this server.
    expect(raw.kinds.slice(0, 2)).toEqual(["interest", "answer"]);
    expect(raw.take("interest")).toMatchObject({ snapshot: false, added: [{ type: "play", name: "g" }], removed: [] });
    expect(raw.kinds).not.toContain("interest");
    expect([1n, 2n, 3n, 4n, 5n].map((call) => outcome(raw, call))).toEqual(["body", "body", "body", "members", "not_found"]);
    raw.frames.length = 0;
    await hubs.drive(client.close());
    await hubs.settle();
    expect(raw.take("interest")).toMatchObject({ removed: [{ type: "play", name: "g" }] });
    expect(raw.kinds).toContain("end");
  });

  test("kicks, tells the client why, and ends the session", async () => {
    const { client, raw, handle } = await enter();
    const session = { by: { case: "handle", value: handle } } as const;
    raw.say(
      { body: { case: "kick", value: { call: 1n, session: { by: { case: "handle", value: 99 } }, code: "x" } } },
      { body: { case: "kick", value: { call: 2n, session, code: "cheating", reason: "seen" } } },
      { body: { case: "kick", value: { call: 3n, session, code: "again" } } },
    );
    await hubs.settle();
    expect([1n, 2n, 3n].map((call) => outcome(raw, call))).toEqual(["not_found", "body", "not_found"]);
    expect(raw.take("end")).toMatchObject({ handle, reason: { kind: "kicked", code: "cheating" } });
    expect(client.state).toMatchObject({ name: "closed", reason: { kind: "kicked", code: "cheating" } });
  });

  test("lets a request go at its deadline, and the backend hears of it; a late answer is nobody's", async () => {
    const { play, raw } = await enter();
    const late = play.wait({ ms: 1, text: "" }).result();
    await hubs.settle();
    const { call } = raw.take("forward");
    await hubs.advance(1_100);
    const given = await late;
    expect(given.ok ? "ok" : given.error.code).toBe("deadline_exceeded");
    expect(raw.take("cancel").call).toBe(call);
    answer(raw, call);
    const kept = play.kept({});
    await hubs.settle();
    answer(raw, raw.take("forward").call);
    await hubs.drive(kept);
  });

  test("fails what was under way when the link breaks, at once; then it dials again, and opens its sessions anew", async () => {
    const { play, raw, context } = await enter();
    const lost = play.kept({}).result();
    await hubs.settle();
    raw.take("forward");
    const at = hubs.clock.now();
    raw.stream?.destroy();
    await hubs.settle();
    const given = await lost;
    expect(given.ok ? "ok" : given.error.code).toBe("unavailable");
    expect(hubs.clock.now()).toBe(at);
    await hubs.advance(600);
    expect(came).toHaveLength(2);
    const again = await greet();
    expect(again.kinds).toEqual(["interest", "open", "synced"]);
    const opened = again.take("open");
    expect(opened.context?.session).toEqual(context.session);
    const kept = play.kept({});
    await hubs.settle();
    const forward = again.take("forward");
    expect(forward.handle).toBe(opened.handle);
    answer(again, forward.call);
    await hubs.drive(kept);
  });

  test("dials a backend that hangs up again and again with pauses, as long as it is there", async () => {
    const { raw } = await enter();
    raw.stream?.destroy();
    for (let ms = 0; ms < 12_000; ms += 50) {
      await hubs.advance(50);
      came.at(-1)?.stream?.destroy();
    }
    // Groups have members only as long as somebody is linked: it does not give up.
    const dialed = came.length;
    expect(dialed).toBeGreaterThan(4);
    expect(dialed).toBeLessThan(40);
    await hubs.advance(20_000);
    expect(came.length).toBeGreaterThan(dialed);
  });

  test("ends a link that brings nonsense, with the reason; requests on it are unavailable", async () => {
    const { play, raw } = await enter();
    const lost = play.kept({}).result();
    await hubs.settle();
    raw.say({ body: { case: "hello", value: {} } });
    await hubs.settle();
    expect(raw.take("goodbye")).toMatchObject({ code: "failed_precondition" });
    const given = await lost;
    expect(given.ok ? "ok" : NanoError.from(given.error).code).toBe("unavailable");
  });
});

describe("the right to a session", () => {
  type Key = Pick<SessionContext, "session" | "capability">;

  /** All that can be done to a session by its id. */
  function acts(call: bigint, key: Key): FrameInit[] {
    const session = { by: { case: "key", value: key } } as const;
    const patch = { type: "play.v1.PlaySession", cleared: [1] };
    return [
      pushOf(call, { case: "session", value: key }),
      { body: { case: "bind", value: { call: call + 1n, session, user: "eve" } } },
      { body: { case: "write", value: { call: call + 2n, session, patch } } },
      { body: { case: "groupChange", value: { call: call + 3n, session, group: { type: "play", name: "den" } } } },
      { body: { case: "kick", value: { call: call + 4n, session, code: "out" } } },
    ];
  }

  const outcomes = (raw: RawLink, call: bigint): (string | undefined)[] =>
    [0n, 1n, 2n, 3n, 4n].map((at) => outcome(raw, call + at));
  const denied = Array.from({ length: 5 }, () => "permission_denied");

  async function tried(raw: RawLink, key: Key): Promise<(string | undefined)[]> {
    raw.frames.length = 0;
    raw.say(...acts(100n, key));
    await hubs.settle();
    return outcomes(raw, 100n);
  }

  test("is its capability, whole: no other bit, no other session's, no other start's; each refusal is counted", async () => {
    const { client, raw, context } = await enter();
    const { session, capability } = context;
    for (let bit = 0; bit < 256; bit++) {
      const flipped = capability.slice();
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(await tried(raw, { session, capability: flipped }), `bit ${bit}`).toEqual(denied);
    }
    const other = await connect();
    other.play.keep({ number: 1 });
    await hubs.settle();
    const { context: theirs } = raw.take("open");
    if (!theirs) throw new Error("no context");
    const cases: Readonly<Record<string, Key>> = {
      "another session's": { session, capability: theirs.capability },
      "for another session": { session: theirs.session, capability },
      "too long": { session, capability: Uint8Array.of(...capability, 0) },
      "too short": { session, capability: capability.subarray(1) },
      "of no session": { session: new Uint8Array(0), capability },
    };
    for (const [what, key] of Object.entries(cases)) expect(await tried(raw, key), what).toEqual(denied);
    expect(gate.counters.cluster?.framesRefused).toMatchObject({ capability: (256 + 5) * 5, frontend: 0 });
    expect(client.state.name).toBe("open");
    const [kick, ...others] = acts(200n, context).reverse();
    raw.say(...others.reverse());
    await hubs.settle();
    expect(outcomes(raw, 200n)).toEqual(["missed", "bound", "written", "body", "nothing"]);
    raw.say(kick ?? {});
    await hubs.settle();
    expect(outcome(raw, 204n)).toBe("body");
    expect(client.state.name).toBe("closed");
  });

  test("holds until the session ends, whatever deadlines have passed, and not a moment longer", async () => {
    const { client, raw, context } = await enter();
    for (let seconds = 0; seconds < 20; seconds++) {
      await hubs.advance(1_000);
      // A sign of life.
      raw.say({ load: 1 });
    }
    raw.say(pushOf(1n, { case: "session", value: context }));
    await hubs.settle();
    expect(outcome(raw, 1n)).toBe("missed");
    await hubs.drive(client.close());
    await hubs.settle();
    expect(await tried(raw, context)).toEqual(Array.from({ length: 5 }, () => "not_found"));
  });

  test("is worth nothing to a frontend that has started anew under the id", async () => {
    const { context } = await enter();
    await hubs.drive(gate.stop({ graceMs: 10 }));
    came = await begin(4);
    const { raw } = await enter();
    expect(await tried(raw, context)).toEqual(denied);
  });
});

function pushOf(
  call: bigint,
  target:
    | { readonly case: "handle"; readonly value: number }
    | { readonly case: "session"; readonly value: { readonly session: Uint8Array; readonly capability: Uint8Array } }
    | { readonly case: "users"; readonly value: { readonly users: string[] } }
    | { readonly case: "group"; readonly value: { readonly type: string; readonly name: string } }
    | { readonly case: undefined },
): FrameInit {
  return { number: 1n, body: { case: "push", value: { route: "play.play.told", body: told(`call ${call}`), call, target } } };
}

describe("what frontends ask of one another", () => {
  test("nobody else may, also not with a client's own ticket; each refusal is counted, and the session goes on", async () => {
    let said = "";
    const { client, play, raw } = await enter((bytes) => {
      said += Buffer.from(bytes).toString("latin1");
    });
    const ticket = /"ticket":"([^"]+)"/.exec(said)?.[1] ?? "";
    expect(ticket).toContain(`${gate.info.incarnation}.`);
    raw.say(...[0, 1, 2, 3, 4].map((at) => frontendAct(at, 300n + BigInt(at), ticket, "ann")));
    await hubs.settle();
    expect([300n, 301n, 302n, 303n, 304n].map((call) => outcome(raw, call))).toEqual(
      Array.from({ length: 5 }, () => "permission_denied"),
    );
    expect(gate.counters.cluster?.framesRefused).toEqual({ capability: 0, ended: 0, frontend: 5 });
    // Nobody waits for an answer to a part of a relay.
    raw.say({ body: { case: "relayBytes", value: { relay: 300n, client: true, bytes: Uint8Array.of(1, 0, 0, 0) } } });
    await hubs.settle();
    expect(gate.counters.cluster?.framesRefused.frontend).toBe(6);
    raw.say({ body: { case: "hold", value: { call: 305n, handle: 1 } } });
    await hubs.settle();
    expect(outcome(raw, 305n)).toBe("permission_denied");
    expect(gate.counters.cluster?.framesRefused.frontend).toBe(7);
    expect([client.state.name, raw.closed, gate.counters.frontend?.resumes.relayed]).toEqual(["open", false, 0]);
    const kept = play.kept({});
    await hubs.settle();
    answer(raw, raw.take("forward").call);
    expect(await hubs.drive(kept)).toMatchObject({ numbers: [] });
  });

  test("one that does not drain gives no session away, also to a frontend", async () => {
    let said = "";
    const { client } = await connect((bytes) => {
      said += Buffer.from(bytes).toString("latin1");
    });
    const ticket = /"ticket":"([^"]+)"/.exec(said)?.[1] ?? "";
    const info = serverInfo("gate-1", gate.info.incarnation, gate.addresses["cluster"] ?? "");
    const other = await hubs.raw({ info } as Parameters<Hubs["raw"]>[0]);
    other.hello({ id: "gate-2", incarnation: 800n });
    await hubs.settle();
    other.say(...[1, 2, 3].map((at) => frontendAct(at, BigInt(at), ticket, "ann")));
    // A made-up secret of the same session finds none to relay to.
    other.say(frontendAct(0, 4n, ticket.replace(/[\w-]{43}$/, "A".repeat(43)), "ann"));
    await hubs.settle();
    expect([1n, 2n, 3n].map((call) => outcome(other, call))).toEqual(["failed_precondition", "not_found", "not_found"]);
    const answered = other.frames.flatMap(({ body }) => (body.case === "answer" && body.value.call === 4n ? [body.value] : []));
    expect(answered.map(({ outcome: { value } }) => Buffer.from(value as Uint8Array).toString())).toEqual(["unknown"]);
    expect([client.state.name, gate.counters.cluster?.framesRefused.frontend]).toEqual(["open", 0]);
  });
});
