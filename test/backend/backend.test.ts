import { create, fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import type { GenMessage } from "@bufbuild/protobuf/codegenv2";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ErrorSchema } from "../../gen/nano/client/v1/client_pb.ts";
import type { Answer } from "../../gen/nano/cluster/v1/link_pb.ts";
import { frontendAct } from "../attacks/frames.ts";
import type { FrameInit } from "../link/raw-link.ts";
import {
  EnterRequestSchema,
  FailRequestSchema,
  KeepRequestSchema,
  NoteRequestSchema,
  NoteResponseSchema,
  PlaySessionSchema,
  TellRequestSchema,
  ToldResponseSchema,
  WaitRequestSchema,
  WaitResponseSchema,
} from "../schema/gen/play/v1/play_pb.ts";
import { type PlayServer, type RawFrontend, sessionId, startPlay } from "./play-server.ts";

let play: PlayServer;
let gate: RawFrontend;

beforeEach(async () => {
  play = await startPlay();
  gate = await play.frontend();
});
afterEach(() => play.stop());

const wait = (ms: number, text = ""): Uint8Array => toBinary(WaitRequestSchema, create(WaitRequestSchema, { ms, text }));
const keep = (number: number): Uint8Array => toBinary(KeepRequestSchema, create(KeepRequestSchema, { number }));
const fail = (how: string): Uint8Array => toBinary(FailRequestSchema, create(FailRequestSchema, { how }));
const note = (text: string): Uint8Array => toBinary(NoteRequestSchema, create(NoteRequestSchema, { note: text, coins: 1n }));

function decoded<M extends Message>(schema: GenMessage<M>, outcome: Answer["outcome"] | undefined): M {
  if (outcome?.case !== "body") throw new Error(`${outcome?.case} instead of an answer`);
  return fromBinary(schema, outcome.value);
}

async function works(): Promise<void> {
  const other = await play.frontend(999n);
  other.open(1, 200);
  const call = other.forward(1, "play.play.kept");
  await play.settle();
  expect(other.answered(call)).toBe("ok");
  other.raw.stream?.destroy();
  await play.settle();
}

describe("forwards", () => {
  test("of one session are handled in their order, those of others meanwhile", async () => {
    gate.open(1);
    gate.open(2);
    const slow = gate.forward(1, "play.play.wait", wait(300, "slow"));
    for (let number = 1; number <= 20; number++) gate.forward(1, "play.play.keep", keep(number), { notify: true });
    const kept = gate.forward(1, "play.play.kept");
    const other = gate.forward(2, "play.play.wait", wait(100, "other"));
    await play.advance(200);
    expect([gate.answered(slow), gate.answered(kept), gate.answered(other)]).toEqual([undefined, undefined, "ok"]);
    expect(play.seen.numbers).toEqual([]);
    await play.advance(200);
    expect(play.seen.numbers).toEqual(Array.from({ length: 20 }, (_, at) => at + 1));
    expect(decoded(WaitResponseSchema, gate.answer(slow))).toMatchObject({ text: "slow", server: "play-1" });
    // Every notify is answered, with nothing.
    const answers = gate.raw.frames.filter(({ body }) => body.case === "answer");
    expect(answers).toHaveLength(23);
    expect(gate.answer(slow + 1n)).toEqual({ case: "body", value: new Uint8Array(0) });
  });

  test("push before they answer, and the pushes name the handle", async () => {
    gate.open(7, 1, { user: "ann" });
    const call = gate.forward(7, "play.play.tell", toBinary(TellRequestSchema, create(TellRequestSchema, { times: 3 })));
    await play.settle();
    const frames = gate.raw.frames.filter(({ body }) => body.case !== undefined && body.case !== "synced");
    expect(frames.map(({ body }) => body.case)).toEqual(["push", "push", "push", "answer"]);
    expect(frames.map(({ number }) => number)).toEqual([1n, 2n, 3n, 0n]);
    const texts = frames.slice(0, 3).map(({ body }) => {
      if (body.case !== "push") throw new Error("no push");
      expect(body.value).toMatchObject({
        route: "play.play.told",
        delivery: "replay",
        target: { case: "handle", value: 7 },
        call: 0n,
      });
      return fromBinary(ToldResponseSchema, body.value.body).text;
    });
    expect(texts).toEqual(["1", "2", "3"]);
    expect(gate.answered(call)).toBe("ok");
  });

  test("for a session that was never opened, or has ended, fail; nothing else happens", async () => {
    gate.open(1);
    const unknown = gate.forward(9, "play.play.keep", keep(1));
    gate.say(
      { body: { case: "patch", value: { handle: 9, user: { user: "eve" } } } },
      { body: { case: "cancel", value: { call: 12_345n } } },
      { body: { case: "end", value: { handle: 9, call: 77n } } },
      { body: { case: "end", value: { handle: 1, call: 78n } } },
      { body: { case: "end", value: { handle: 1, call: 79n } } },
    );
    const ended = gate.forward(1, "play.play.keep", keep(2));
    await play.settle();
    expect([gate.answered(unknown), gate.answered(ended)]).toEqual(["failed_precondition", "failed_precondition"]);
    // Whoever waits for an end hears of it, whatever there was to end.
    expect([77n, 78n, 79n].map((call) => gate.answered(call))).toEqual(["ok", "ok", "ok"]);
    expect(play.seen.numbers).toEqual([]);
    expect(play.heard).toEqual(["opened 01", "closed 01 lost"]);
  });

  test.each([
    ["a route that nobody has", "play.play.nothing", new Uint8Array(0), "unimplemented"],
    ["a remote", "play.who.any", new Uint8Array(0), "unimplemented"],
    ["a push", "play.play.told", new Uint8Array(0), "unimplemented"],
    ["a body that is none", "play.play.keep", Uint8Array.of(0x08), "invalid_argument"],
    ["a method that needs a user", "play.play.note", note("x"), "unauthenticated"],
  ])("of %s fail alone", async (_what, route, body, code) => {
    gate.open(1);
    const wrong = gate.forward(1, route, body);
    const right = gate.forward(1, "play.play.kept");
    await play.settle();
    expect([gate.answered(wrong), gate.answered(right)]).toEqual([code, "ok"]);
  });

  test("by a user without the role fail", async () => {
    gate.open(1, 1, { user: "ann", roles: ["player"] });
    gate.open(2, 2, { user: "bob", roles: ["player", "admin"] });
    const [ann, bob] = [gate.forward(1, "play.play.rule"), gate.forward(2, "play.play.rule")];
    await play.settle();
    expect([gate.answered(ann), gate.answered(bob)]).toEqual(["permission_denied", "ok"]);
  });

  test("end at the time that is left to them, or at once where none is", async () => {
    gate.open(1);
    gate.open(2);
    const short = gate.forward(1, "play.play.fail", fail("never"), { envelope: { remainingMs: 200 } });
    const none = gate.forward(2, "play.play.kept", new Uint8Array(0), { envelope: { remainingMs: 0 } });
    const bare = gate.forward(2, "play.play.kept", new Uint8Array(0), { envelope: {} });
    await play.settle();
    expect([gate.answered(short), gate.answered(none), gate.answered(bare)]).toEqual([
      undefined,
      "deadline_exceeded",
      "deadline_exceeded",
    ]);
    await play.advance(190);
    expect(gate.answered(short)).toBeUndefined();
    await play.advance(60);
    expect(gate.answered(short)).toBe("deadline_exceeded");
    // The mailbox goes on, though the handler has never returned.
    const next = gate.forward(1, "play.play.kept");
    await play.settle();
    expect(gate.answered(next)).toBe("ok");
  });

  test("pass eight servers and no more", async () => {
    gate.open(1);
    const calls = [7, 8, 0xffff_ffff].map((hops) =>
      gate.forward(1, "play.play.kept", new Uint8Array(0), { envelope: { remainingMs: 500, hops } }),
    );
    await play.settle();
    expect(calls.map((call) => gate.answered(call))).toEqual(["ok", "failed_precondition", "failed_precondition"]);
  });

  test("that are given up are broken off, and the next goes on", async () => {
    gate.open(1);
    gate.open(2);
    const first = gate.forward(1, "play.play.fail", fail("never"));
    const other = gate.forward(2, "play.play.wait", wait(100));
    const next = gate.forward(1, "play.play.kept");
    gate.say({ body: { case: "cancel", value: { call: first } } }, { body: { case: "cancel", value: { call: first } } });
    await play.settle();
    expect([gate.answered(first), gate.answered(other), gate.answered(next)]).toEqual(["canceled", undefined, "ok"]);
    await play.advance(150);
    expect(gate.answered(other)).toBe("ok");
  });

  test("over 256 that wait in one session are refused", async () => {
    gate.open(1);
    gate.forward(1, "play.play.wait", wait(100));
    const calls = Array.from({ length: 300 }, () => gate.forward(1, "play.play.kept"));
    await play.settle();
    const refused = calls.filter((call) => gate.answered(call) === "resource_exhausted");
    expect(refused.length).toBeGreaterThanOrEqual(44);
    expect(refused.length).toBeLessThanOrEqual(46);
    await play.advance(200);
    expect(new Set(calls.map((call) => gate.answered(call)))).toEqual(new Set(["ok", "resource_exhausted"]));
  });
});

describe("what a handler does with its session goes to the frontend", () => {
  const enter = toBinary(EnterRequestSchema, create(EnterRequestSchema, { user: "ann", roles: ["admin"] }));

  test("bind: asked, and the user stands when it is answered", async () => {
    gate.open(3, 1);
    const call = gate.forward(3, "play.play.enter", enter);
    const next = gate.forward(3, "play.play.rule");
    await play.settle();
    const bind = gate.raw.take("bind");
    expect(bind).toMatchObject({ user: "ann", roles: ["admin"], session: { by: { case: "handle", value: 3 } } });
    expect(gate.answered(call)).toBeUndefined();
    gate.say({ body: { case: "answer", value: { call: bind.call, outcome: { case: "bound", value: { former: "ended" } } } } });
    await play.settle();
    expect([gate.answered(call), gate.answered(next)]).toEqual(["ok", "ok"]);
    expect(play.heard).toEqual(["opened 01", "bound 01 ann"]);
    // What the frontend says to all servers is nothing new here.
    gate.say({ body: { case: "patch", value: { handle: 3, version: 2n, user: { user: "ann", roles: ["admin"] } } } });
    await play.settle();
    expect(play.heard).toHaveLength(2);
  });

  test.each([
    ["an error", { case: "error", value: create(ErrorSchema, { code: "already_exists", msg: "no" }) }, "already_exists"],
    ["something else", { case: "written", value: true }, "ok"],
  ] as const)("bind answered with %s", async (_what, outcome, code) => {
    gate.open(3, 1);
    const call = gate.forward(3, "play.play.enter", enter);
    await play.settle();
    gate.say({ body: { case: "answer", value: { call: gate.raw.take("bind").call, outcome } } });
    await play.settle();
    expect(gate.answered(call)).toBe(code);
  });

  test("a bind that is never answered ends with its call", async () => {
    gate.open(3, 1);
    const call = gate.forward(3, "play.play.enter", enter, { envelope: { remainingMs: 1_000 } });
    await play.advance(1_100);
    expect(gate.answered(call)).toBe("deadline_exceeded");
  });

  test("data: written there, seen by the next handler here, from whoever wrote it", async () => {
    const data = toBinary(PlaySessionSchema, create(PlaySessionSchema, { note: "old", coins: 5n }));
    gate.open(3, 1, { user: "ann", data: { "play.v1.PlaySession": data } });
    const call = gate.forward(3, "play.play.note", note("new"));
    await play.settle();
    const write = gate.raw.take("write");
    expect(write).toMatchObject({ session: { by: { case: "handle", value: 3 } }, patch: { type: "play.v1.PlaySession" } });
    expect(write.expected).toBeUndefined();
    const fields = write.patch?.fields ?? new Uint8Array(0);
    expect(fromBinary(PlaySessionSchema, fields)).toMatchObject({ note: "new", coins: 1n });
    gate.say(
      { body: { case: "patch", value: { handle: 3, version: 2n, data: { type: "play.v1.PlaySession", fields } } } },
      { body: { case: "answer", value: { call: write.call, outcome: { case: "written", value: true } } } },
    );
    await play.settle();
    expect(decoded(NoteResponseSchema, gate.answer(call))).toMatchObject({ note: "new", coins: 1n });
    expect(play.heard.at(-1)).toBe("patched 01 note,coins");
  });

  test("a session is paused and resumed as its frontend says, also where it opens it so", async () => {
    const paused = (handle: number, now: boolean): void =>
      gate.say({ body: { case: "patch", value: { handle, version: 2n, paused: now } } });
    gate.open(3);
    gate.open(4, 4, { paused: true });
    for (const now of [true, true, false, false]) paused(3, now);
    paused(4, false);
    await play.settle();
    expect(play.heard).toEqual([
      ...["opened 03", "opened 04", "paused 04 paused"],
      ...["paused 03 paused", "resumed 03 open", "resumed 04 open"],
    ]);
  });

  test("a patch that is malformed ends the link, with the reason; nobody else notices", async () => {
    gate.open(1);
    gate.say({
      body: { case: "patch", value: { handle: 1, data: { type: "play.v1.PlaySession", fields: Uint8Array.of(0x0a, 0x7f) } } },
    });
    await play.settle();
    expect(gate.raw.take("goodbye")).toMatchObject({ code: "invalid_argument" });
    await works();
  });
});

describe("the end of a session", () => {
  test("comes after its frames; what runs is broken off, and it is answered when the callbacks are through", async () => {
    gate.open(1, 1, { user: "ann" });
    gate.forward(1, "play.play.keep", keep(1));
    const running = gate.forward(1, "play.play.fail", fail("never"));
    const waiting = gate.forward(1, "play.play.kept");
    gate.say({ body: { case: "end", value: { handle: 1, reason: { kind: "kicked", code: "moved", message: "m" }, call: 50n } } });
    await play.settle();
    expect(play.seen.numbers).toEqual([1]);
    expect([gate.answered(running), gate.answered(waiting)]).toEqual(["canceled", "canceled"]);
    expect(gate.answered(50n)).toBe("ok");
    expect(play.heard).toEqual(["opened 01", "closed 01 kicked"]);
  });

  test("of a kind that nobody knows is the end all the same", async () => {
    gate.open(1);
    gate.say({ body: { case: "end", value: { handle: 1, reason: { kind: "evaporated" } } } });
    await play.settle();
    expect(play.heard).toEqual(["opened 01", "closed 01 lost"]);
  });

  test("frees its handle, and the session may come back under another", async () => {
    gate.open(1);
    gate.say({ body: { case: "end", value: { handle: 1, call: 50n } } });
    gate.open(1, 2);
    gate.open(2, 1);
    const calls = [gate.forward(1, "play.play.kept"), gate.forward(2, "play.play.kept")];
    await play.settle();
    expect(calls.map((call) => gate.answered(call))).toEqual(["ok", "ok"]);
    expect(play.heard).toEqual(["opened 01", "closed 01 lost", "opened 02", "opened 01"]);
  });
});

describe("a link that breaks", () => {
  test("costs no session that is opened again within 5 s; those that are not end with `synced`", async () => {
    gate.open(1, 1, { user: "ann" });
    gate.open(2, 2);
    gate.forward(1, "play.play.wait", wait(500));
    await play.settle();
    play.net.reset("gate", "play-1");
    await play.advance(3_000);
    const again = await play.frontend();
    again.open(5, 1, { user: "ann" });
    again.say({ body: { case: "synced", value: {} } });
    const call = again.forward(5, "play.play.kept");
    await play.advance(4_000);
    expect(play.heard).toEqual(["opened 01", "opened 02", "closed 02 lost"]);
    expect(again.answered(call)).toBe("ok");
    // The answer to the old link is nobody's on the new one.
    expect(again.raw.frames.filter(({ body }) => body.case === "answer")).toHaveLength(1);
  });

  test("without another ends its sessions after 5 s", async () => {
    gate.open(1);
    await play.settle();
    play.net.reset("gate", "play-1");
    await play.advance(4_900);
    expect(play.heard).toEqual(["opened 01"]);
    await play.advance(200);
    expect(play.heard).toEqual(["opened 01", "closed 01 lost"]);
  });

  test("of one frontend is nothing to the sessions of another", async () => {
    const other = await play.frontend(101n);
    gate.open(1);
    other.open(1, 2);
    await play.settle();
    gate.raw.stream?.destroy();
    // The other says what it has: of the first it knows nothing.
    other.say({ body: { case: "synced", value: {} } });
    const call = other.forward(1, "play.play.kept");
    await play.settle();
    expect(play.heard).toEqual(["opened 01", "opened 02"]);
    await play.advance(6_000);
    expect(play.heard).toEqual(["opened 01", "opened 02", "closed 01 lost"]);
    expect(other.answered(call)).toBe("ok");
  });

  test("what the frontend says anew stands: user and data", async () => {
    gate.open(1);
    await play.settle();
    play.net.reset("gate", "play-1");
    await play.settle();
    const again = await play.frontend();
    again.open(1, 1, { user: "ann", roles: ["admin"] });
    const call = again.forward(1, "play.play.rule");
    await play.settle();
    expect(again.answered(call)).toBe("ok");
    expect(play.heard).toEqual(["opened 01", "bound 01 ann"]);
  });
});

describe("a peer that opens what is not its own", () => {
  test.each([
    ["a session of another frontend", (evil: RawFrontend) => evil.open(1, 2, { incarnation: 100n }), "permission_denied"],
    ["one that another frontend has", (evil: RawFrontend) => evil.open(1, 1), "permission_denied"],
    [
      "one without a context",
      (evil: RawFrontend) => evil.say({ body: { case: "open", value: { handle: 1 } } }),
      "permission_denied",
    ],
    ["one with a short id", (evil: RawFrontend) => evil.open(1, 2, { session: new Uint8Array(4) }), "invalid_argument"],
    [
      "two under one handle",
      (evil: RawFrontend) => {
        evil.open(1, 2);
        evil.open(1, 3);
      },
      "invalid_argument",
    ],
  ])("%s is told why its link ends", async (_what, act, code) => {
    gate.open(1);
    const evil = await play.frontend(666n);
    act(evil);
    evil.forward(1, "play.play.keep", keep(666));
    await play.settle();
    expect(evil.raw.take("goodbye").code).toBe(code);
    expect(evil.raw.closed).toBe(true);
    expect(play.seen.numbers).toEqual([]);
    const call = gate.forward(1, "play.play.kept");
    await play.settle();
    expect(gate.answered(call)).toBe("ok");
  });

  test("and is no frontend opens nothing, and forwards nothing", async () => {
    const backend = await play.frontend(200n, { frontend: false });
    const call = backend.forward(1, "play.play.keep", keep(1));
    await play.settle();
    expect(backend.answered(call)).toBe("permission_denied");
    backend.open(1);
    await play.settle();
    expect(backend.raw.take("goodbye")).toMatchObject({ code: "permission_denied", reason: "only frontends open sessions" });
    expect(play.seen.numbers).toEqual([]);
    expect(play.server.counters.cluster?.framesRefused).toEqual({ capability: 0, ended: 0, frontend: 2 });
  });

  test("and is no frontend holds no session up", async () => {
    gate.open(1);
    const backend = await play.frontend(200n, { frontend: false });
    backend.say({ body: { case: "hold", value: { call: 5n, handle: 1 } } });
    await play.settle();
    expect(backend.answered(5n)).toBe("permission_denied");
    expect(play.server.counters.cluster?.framesRefused).toEqual({ capability: 0, ended: 0, frontend: 1 });
    const call = gate.forward(1, "play.play.kept");
    await play.settle();
    expect(gate.answered(call)).toBe("ok");
  });

  test("is refused what only frontends do, whoever it is: this server is none", async () => {
    const session = { by: { case: "handle", value: 1 } } as const;
    const asked: readonly FrameInit[] = [
      ...[0, 1, 2, 3, 4].map((at) => frontendAct(at, 100n + BigInt(at), "1.2.3", "ann")),
      {
        body: { case: "push", value: { call: 105n, route: "play.play.told", target: { case: "handle", value: 1 } } },
        number: 1n,
      },
      { body: { case: "bind", value: { call: 106n, session, user: "ann" } } },
      { body: { case: "write", value: { call: 107n, session } } },
      { body: { case: "kick", value: { call: 108n, session } } },
      { body: { case: "groupChange", value: { call: 109n, session, group: { type: "play", name: "den" } } } },
      { body: { case: "userQuery", value: { call: 110n, users: ["ann"] } } },
      { body: { case: "groupQuery", value: { call: 111n, group: { type: "play", name: "den" } } } },
      { body: { case: "sessionQuery", value: { call: 112n } } },
      { body: { case: "sessionList", value: { call: 113n } } },
    ];
    const backend = await play.frontend(200n, { frontend: false });
    const other = await play.frontend(201n);
    for (const peer of [backend, other]) {
      peer.say(...asked);
      await play.settle();
      expect(asked.map((_, at) => peer.answered(100n + BigInt(at)))).toEqual(asked.map(() => "unimplemented"));
      expect(peer.raw.closed).toBe(false);
    }
    expect(play.server.counters.cluster?.framesRefused).toEqual({ capability: 0, ended: 0, frontend: 2 * asked.length });
    // Nobody waits: nothing is said.
    other.say({ body: { case: "kick", value: { session } } });
    await works();
    expect(play.server.counters.cluster?.framesRefused.frontend).toBe(2 * asked.length);
  });

  test("and is no frontend has no groups: it is sent nothing that is pushed to one", async () => {
    const backend = await play.frontend(200n, { frontend: false });
    backend.say({ body: { case: "interest", value: { epoch: 1n, snapshot: true, added: [{ type: "play", name: "den" }] } } });
    await play.settle();
    expect(backend.raw.take("goodbye")).toMatchObject({ code: "permission_denied", reason: "only frontends have groups" });
    expect(play.server.counters.cluster?.framesRefused.frontend).toBe(1);
  });
});

test("any frames in any order: every call is answered once, or the link ends with a reason", async () => {
  const handles = fc.integer({ min: 0, max: 3 });
  const calls = fc.bigInt({ min: 0n, max: 6n });
  const routes = fc.constantFrom(
    "play.play.keep",
    "play.play.kept",
    "play.play.tell",
    "play.play.note",
    "no.such.route",
    "play.who.any",
  );
  const bodies = fc.uint8Array({ maxLength: 12 });
  const user = fc.constantFrom("", "ann", "bob");
  const open = fc.record({ handle: handles, session: fc.integer({ min: 1, max: 4 }), user }).map(
    ({ handle, session, user: name }): FrameInit => ({
      body: {
        case: "open",
        value: { handle, context: { session: sessionId(session), frontend: "gate", incarnation: 300n, user: name } },
      },
    }),
  );
  const frame: fc.Arbitrary<FrameInit> = fc.oneof(
    open,
    open,
    fc.record({ call: calls, handle: handles, route: routes, body: bodies, hops: fc.nat(9) }).map(
      ({ hops, ...forward }): FrameInit => ({
        number: 1n,
        body: { case: "forward", value: { ...forward, envelope: { remainingMs: 100, hops } } },
      }),
    ),
    fc.record({ handle: handles, call: calls }).map((value): FrameInit => ({ body: { case: "end", value } })),
    fc.record({ handle: handles, fields: bodies }).map(
      ({ handle, fields }): FrameInit => ({
        body: { case: "patch", value: { handle, data: { type: "play.v1.PlaySession", fields, cleared: [1] } } },
      }),
    ),
    fc
      .record({ handle: handles, user })
      .map(({ handle, user: name }): FrameInit => ({ body: { case: "patch", value: { handle, user: { user: name } } } })),
    calls.map((call): FrameInit => ({ body: { case: "cancel", value: { call } } })),
    fc
      .record({ call: calls, body: bodies, route: routes })
      .map((value): FrameInit => ({ number: 1n, body: { case: "call", value: { ...value, envelope: { remainingMs: 100 } } } })),
    fc.constant<FrameInit>({ body: { case: "synced", value: {} } }),
    // What only backends ask, and only frontends do: refused.
    fc.record({ call: calls }).map((value): FrameInit => ({ body: { case: "bind", value } })),
    fc.record({ call: calls }).map((value): FrameInit => ({ body: { case: "push", value } })),
    fc.record({ epoch: calls }).map((value): FrameInit => ({ body: { case: "interest", value } })),
  );
  let ends = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(frame, { maxLength: 12 }), async (frames) => {
      const peer = await play.frontend(300n);
      peer.say(...frames);
      await play.advance(200);
      const asked = frames.filter(({ body }) => body?.case !== "cancel");
      const answers = peer.raw.frames.filter(({ body }) => body.case === "answer").length;
      if (peer.raw.closed) {
        ends++;
        expect(["permission_denied", "invalid_argument"]).toContain(peer.raw.take("goodbye").code);
      } else {
        // A note waits for its frontend to write, and its deadline ends it: nothing is left.
        expect(answers).toBe(asked.filter(({ body }) => body?.value && "call" in body.value && body.value.call !== 0n).length);
      }
      peer.raw.stream?.destroy();
      await play.settle();
    }),
    { numRuns: 150 },
  );
  expect(ends).toBeGreaterThan(5);
  expect(ends).toBeLessThan(140);
  await works();
});
