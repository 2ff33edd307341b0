import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { type FrameSchema, LinkRequestSchema } from "../../../gen/nano/cluster/v1/link_pb.ts";
import { createBackend } from "../../../src/backend/index.ts";
import { type Clock, createVirtualClock, seededRandom } from "../../../src/clock/index.ts";
import { NanoError } from "../../../src/error/index.ts";
import { createBackendFrames } from "../../../src/frontend/backend-frames.ts";
import type { ClientSession } from "../../../src/frontend/index.ts";
import { createInterest, createMembership } from "../../../src/group/index.ts";
import { createLinkHub, type FrameBody, type Link } from "../../../src/link/index.ts";
import { prove } from "../../../src/link/proof.ts";
import { silentLogger } from "../../../src/logger/index.ts";
import { createClusterCounters } from "../../../src/metrics/index.ts";
import type { ByteStream, StreamEvents } from "../../../src/net/index.ts";
import { createLinkCalls } from "../../../src/remote/index.ts";
import { type DataPatch, type OutgoingPush, SessionData } from "../../../src/session/index.ts";
import { createUserTable } from "../../../src/user/index.ts";
import { envelope } from "../../link/raw-link.ts";
import { bytesOf, holds, type Target } from "../engine/target.ts";
import { wireTokens, wrongWire } from "./body.ts";

type FrameInit = MessageInitShape<typeof FrameSchema>;

const self = { id: "room-1", incarnation: 11n, types: ["room"], frontend: true, schema: "s" };
const peer = { id: "gate-1", incarnation: 22n, types: ["gate"], frontend: true, schema: "s" };
const token = "a token of the cluster";
const session = Uint8Array.from({ length: 16 }, (_none, at) => at + 1);
const capability = new Uint8Array(32).fill(7);
const patch = { type: "play.v1.PlaySession", fields: Uint8Array.of(10, 1, 97), cleared: [2] };
const group = { type: "room", name: "lobby" };
const envelopeOf = { remainingMs: 500, hops: 1, traceparent: "00-0-0-0", attempt: 1 };
const byKey = { by: { case: "key", value: { session, capability } } } as const;

// How a link begins: the first byte of an input.
const ways = [
  { tokens: [], greeted: true },
  { tokens: [token], greeted: true },
  { tokens: [], greeted: false },
  { tokens: [token], greeted: false },
] as const;

/** What another server may say. */
const said: Readonly<Record<string, readonly FrameInit[]>> = {
  hello: [{ body: { case: "hello", value: hello() } }],
  "hello-of-itself": [{ body: { case: "hello", value: { ...hello(), incarnation: 11n } } }],
  "hello-of-a-later-version": [
    { body: { case: "hello", value: { ...hello(), protocolMin: 2, protocolMax: 9, features: ["x"], encodings: ["y"] } } },
  ],
  "hello-with-a-challenge": [{ body: { case: "hello", value: { ...hello(), challenge: new Uint8Array(32), wanted: 11n } } }],
  "proof-that-fits": [
    { body: { case: "hello", value: { ...hello(), challenge: new Uint8Array(32) } } },
    { body: { case: "proof", value: { mac: proof() } } },
  ],
  "proof-too-short": [
    { body: { case: "hello", value: { ...hello(), challenge: new Uint8Array(32) } } },
    { body: { case: "proof", value: { mac: new Uint8Array(31) } } },
  ],
  "proof-first": [{ body: { case: "proof", value: { mac: new Uint8Array(32) } } }],
  open: [open()],
  "open-twice": [open(), open()],
  "open-of-another-frontend": [{ body: { case: "open", value: { handle: 1, context: { session, incarnation: 5n } } } }],
  "open-without-a-session": [{ body: { case: "open", value: { handle: 1 } } }],
  "open-with-proto": [
    {
      body: {
        case: "open",
        value: {
          handle: 1,
          context: { ...context(), data: { constructor: Uint8Array.of(10, 1, 97), toString: Uint8Array.of(8) } },
        },
      },
    },
  ],
  patch: [
    open(),
    { body: { case: "patch", value: { handle: 1, version: 1n, data: patch, user: { user: "ann", roles: ["admin"] } } } },
  ],
  "patch-broken": [open(), { body: { case: "patch", value: { handle: 1, data: { ...patch, fields: Uint8Array.of(10, 9) } } } }],
  end: [open(), { body: { case: "end", value: { handle: 1, call: 3n, reason: { kind: "left", message: "m" } } } }],
  "end-of-a-later-kind": [
    open(),
    { body: { case: "end", value: { handle: 1, reason: { kind: "evaporated", code: "x" } } } },
    { body: { case: "synced", value: {} } },
  ],
  forward: [open(), forward(1)],
  "forward-of-nobody": [forward(9)],
  "forward-and-cancel": [open(), forward(1), { body: { case: "cancel", value: { call: 5n } } }],
  "forward-too-far": [
    open(),
    { body: { case: "forward", value: { call: 5n, handle: 1, route: "r", envelope: { ...envelopeOf, hops: 4_294_967_295 } } } },
  ],
  call: [{ number: 1n, body: { case: "call", value: { call: 1n, route: "a.b", body: Uint8Array.of(1), envelope: envelopeOf } } }],
  "call-and-cancel": [
    { body: { case: "call", value: { call: 1n, route: "slow" } } },
    { body: { case: "cancel", value: { call: 1n } } },
  ],
  "answer-of-a-body": [{ body: { case: "answer", value: { call: 1n, outcome: { case: "body", value: Uint8Array.of(1) } } } }],
  "answer-of-an-error": [
    {
      body: {
        case: "answer",
        value: { call: 1n, outcome: { case: "error", value: { code: "what", msg: "m", metadata: { a: "b" } } } },
      },
    },
  ],
  "answer-of-nothing": [{ body: { case: "answer", value: { call: 1n } } }],
  "answer-nobody-waits-for": [
    { body: { case: "answer", value: { call: 2n ** 64n - 1n, outcome: { case: "written", value: true } } } },
  ],
  "push-to-a-session": [
    {
      number: 1n,
      body: {
        case: "push",
        value: { call: 1n, route: "r", body: Uint8Array.of(1), target: { case: "session", value: { session, capability } } },
      },
    },
  ],
  "push-to-users": [
    { body: { case: "push", value: { call: 1n, route: "r", target: { case: "users", value: { users: ["ann", "", "bob"] } } } } },
  ],
  "push-to-a-group": [
    {
      body: {
        case: "push",
        value: { route: "r", delivery: "latest", target: { case: "group", value: group }, except: [session, new Uint8Array(3)] },
      },
    },
  ],
  "push-to-a-handle": [{ body: { case: "push", value: { call: 1n, target: { case: "handle", value: 1 } } } }],
  "push-to-nobody": [{ body: { case: "push", value: { call: 1n } } }],
  kick: [{ body: { case: "kick", value: { call: 1n, session: byKey, code: "moved", reason: "r" } } }],
  "kick-without-the-right": [
    {
      body: {
        case: "kick",
        value: { call: 1n, session: { by: { case: "key", value: { session, capability: new Uint8Array(32) } } } },
      },
    },
  ],
  bind: [{ body: { case: "bind", value: { call: 1n, session: byKey, user: "ann", roles: ["a"] } } }],
  write: [{ body: { case: "write", value: { call: 1n, session: byKey, patch, expected: { type: patch.type, cleared: [1] } } } }],
  "write-without-a-patch": [{ body: { case: "write", value: { call: 1n, session: byKey } } }],
  "write-broken": [
    {
      body: {
        case: "write",
        value: { call: 1n, session: { by: { case: "user", value: "ann" } }, patch: { ...patch, fields: Uint8Array.of(0x0c) } },
      },
    },
  ],
  "group-add": [{ body: { case: "groupChange", value: { call: 1n, session: byKey, group } } }],
  "group-remove-all": [{ body: { case: "groupChange", value: { call: 1n, group, remove: true } } }],
  "group-add-everywhere": [{ body: { case: "groupChange", value: { call: 1n, session: byKey, group, everywhere: true } } }],
  "group-query": [{ body: { case: "groupQuery", value: { call: 1n, group } } }],
  "group-query-of-how-many": [{ body: { case: "groupQuery", value: { call: 1n, group, count: true } } }],
  "group-query-of-one": [{ body: { case: "groupQuery", value: { call: 1n, group, session } } }],
  "group-query-of-a-page": [
    { body: { case: "groupQuery", value: { call: 1n, group, after: session } } },
    { body: { case: "groupQuery", value: { call: 2n, group, after: new Uint8Array(40).fill(255) } } },
  ],
  claim: [{ body: { case: "claim", value: { call: 1n, user: "ann", session, boundMs: 1_700_000_000_000n, former: session } } }],
  "claim-of-any": [{ body: { case: "claim", value: { call: 1n, user: "bob", session, boundMs: 2n ** 64n - 1n } } }],
  "user-query": [{ body: { case: "userQuery", value: { call: 1n, users: ["ann", "", "bob", "ann"] } } }],
  interest: [{ body: { case: "interest", value: { snapshot: true, added: [group, {}], removed: [group] } } }],
  "interest-in-two-frames": [
    { body: { case: "interest", value: { epoch: 2n, added: [group] } } },
    { body: { case: "interest", value: { epoch: 2n, snapshot: true, added: [{}], call: 9n } } },
  ],
  ping: [{ load: 5, ack: 3n, credit: 9n, body: { case: "ping", value: {} } }],
  pong: [{ load: 4_294_967_295, body: { case: "pong", value: {} } }],
  chunk: [{ body: { case: "chunk", value: { piece: Uint8Array.of(1) } } }],
  goodbye: [
    { body: { case: "goodbye", value: { code: "unavailable", reason: "r".repeat(600) } } },
    { body: { case: "ping", value: {} } },
  ],
  "goodbye-first": [{ body: { case: "goodbye", value: { code: "no code", reason: "" } } }],
  nothing: [{}],
  "numbers-backwards": [{ number: 2n ** 64n - 1n }, { number: 1n }, { number: 0n, ack: 2n ** 64n - 1n }],
};

/** Frames of a link, from its greeting to what frontend and backend do with them. The link may end, but never for a fault of this side. */
export const linkFrames: Target = {
  name: "link-frames",
  throws: NanoError,
  maxBytes: 262_144,
  // Five bytes may be a push to nobody, each answered with an error. Only a server that knows the token gets so far.
  maxMsPerKiB: 8,
  chooses: true,
  tokens: [
    ...wireTokens(),
    session,
    capability,
    "gate-1",
    "a.b",
    ...[...Array(24).keys()].map((kind) => bytesOf(0x0a, 3, tag(16 + kind), 0)),
  ],
  seeds() {
    const all: Record<string, Uint8Array> = {};
    for (const [name, frames] of Object.entries(said)) {
      const greeting = name.startsWith("hello") || name.startsWith("proof") || name === "goodbye-first";
      for (const way of greeting ? [2, 3] : [0]) all[`${name}-${way}`] = bytesOf(way, batch(frames));
    }
    for (const name of ["forward", "push-to-users", "answer-of-a-body", "hello"])
      all[`${name}-1`] = bytesOf(1, batch(said[name] ?? []));
    all["open-with-a-token"] = bytesOf(5, batch(said["open"] ?? []));
    all["hello-4"] = bytesOf(4, batch(said["hello-with-a-challenge"] ?? []));
    all["gap-of-all"] = bytesOf(0, 0x0a, 5, tag(37), 2, 0x28, 1);
    for (const [name, bytes] of Object.entries(wrongWire())) all[name] = bytesOf(0, bytes);
    return all;
  },
  run(bytes) {
    const way = ways[(bytes[0] ?? 0) % ways.length] ?? ways[0];
    const end = converse(way, envelope(bytes.subarray(1)));
    if (!end) return;
    holds(end.code !== "internal", `the link ends for a fault of this side: ${end.message} ${String(end.cause)}`);
    throw end;
  },
};

/** Plays the side that was dialed to the end of a link; gives the error that it ends the stream with. */
function converse({ tokens, greeted }: (typeof ways)[number], bytes: Uint8Array): NanoError | undefined {
  const work: (() => void)[] = [];
  const clock: Clock = { ...createVirtualClock(), soon: (call) => void work.push(call) };
  const membership = createMembership(() => {});
  const interest = createInterest();
  const one = knownSession();
  const counters = createClusterCounters();
  const frontend = createBackendFrames({
    peers: { ...noPeers, sessionOf: (_link, handle) => (handle === 1 ? one : undefined) },
    users: {
      ...createUserTable<ClientSession>({ clock, self: { id: "gate-1", incarnation: 1n }, single: undefined }),
      of: (user) => (user === "ann" ? [one] : []),
      has: (user) => user === "ann",
    },
    membership,
    sessionById: (id) => (id === Buffer.from(session).toString("hex") ? one : undefined),
    sessions: () => [one],
    hasCapability: (_id, given) => Buffer.compare(given, capability) === 0,
    counters,
    tracing: undefined,
    heard: new Map(),
  });
  const backend = createBackend({
    handlers: {
      ...{ routes: new Map(), counters: new Map(), pending: 0, at: () => undefined, begin: () => undefined },
      dispatch: (...call) => ({ breakOff: dispatch(...call) }),
    },
    ...{ clock, log: silentLogger, hooks: [], counters },
  });
  const calls = createLinkCalls({
    remotes: {
      routes: new Map(),
      counters: new Map(),
      pending: 0,
      dispatch: (route, body, _caller, _info, outlet) => dispatch(undefined, route, body, undefined, outlet),
    },
    now: () => clock.now(),
  });
  let accept: ((stream: ByteStream) => StreamEvents) | undefined;
  let opened: Link | undefined;
  let ended: NanoError | undefined;
  const hub = createLinkHub({
    self: () => self,
    transport: {
      async listen(at, taken) {
        accept = taken;
        return { ...at, pause: () => {}, resume: () => {}, close: async () => {} };
      },
      dial: () => Promise.reject(new Error("nobody is dialed")),
    },
    clock,
    random: seededRandom(1),
    log: silentLogger,
    tokens,
    load: () => 3,
    events: {
      opened: (on) => {
        opened = on;
      },
      frame(on: Link, body: FrameBody) {
        if (body.case === "interest") interest.heard(on, body.value);
        else if (!frontend.frame(on, body) && !backend.frame(on, body)) calls.frame(on, body);
      },
      broken: () => {},
      closed(on) {
        backend.linkClosed(on);
        calls.linkClosed(on);
        interest.forget(on);
      },
    },
  });
  void hub.start({ host: "here", port: 1 });
  const stream = accept?.({
    remoteAddress: "",
    queuedBytes: 0,
    write: () => true,
    destroy: () => {},
    end(status) {
      if (status?.code) ended ??= new NanoError({ code: status.code, message: status.message });
    },
  });
  if (greeted) stream?.data(tokens.length > 0 ? greetings.shown : greetings.plain);
  holds(!greeted || opened !== undefined, "the greeting has failed");
  opened?.expect(1_000, () => {});
  stream?.data(bytes);
  for (const call of work) call();
  stream?.closed();
  return ended;
}

function dispatch(
  _session: unknown,
  route: string,
  body: Uint8Array,
  _info: unknown,
  outlet: { answered(body: Uint8Array): void; failed(reason: unknown, stage: "route"): void },
): (reason: NanoError) => void {
  if (route === "slow") return (reason) => outlet.failed(reason, "route");
  if (route === "a.b") outlet.answered(body);
  else outlet.failed(new NanoError({ code: "unimplemented", message: `no ${route}` }), "route");
  return () => {};
}

/** A session of this frontend, as far as frames reach it. */
function knownSession(): ClientSession {
  const data = new SessionData();
  const known = {
    core: { ended: undefined },
    push: ({ route }: OutgoingPush) => holds(typeof route === "string", "a push without a route"),
    kick: () => {},
    missedPushes: () => {},
    home: {
      bind: async () => "none" as const,
      async write(change: DataPatch, expected: DataPatch | undefined) {
        if (expected && !data.matches(expected)) return false;
        data.apply(change);
        return true;
      },
      changeGroup: async () => [],
    },
  };
  // The frames reach no more of it than this.
  return known as unknown as ClientSession;
}

const greetings = {
  plain: envelope(batch([{ body: { case: "hello", value: hello() } }])),
  shown: envelope(
    batch([
      { body: { case: "hello", value: { ...hello(), challenge: new Uint8Array(32) } } },
      { body: { case: "proof", value: { mac: proof() } } },
    ]),
  ),
};

const noPeers = {
  handleOf: () => 0,
  linksOf: () => [],
  movedAway: () => {},
  handleOn: () => 0,
  patched: () => {},
  pausedChanged: () => {},
  userChanged: () => {},
  ended: async () => {},
  forget: () => [],
  takeOver: () => {},
};

function hello() {
  return { ...peer, types: [...peer.types], protocolMin: 1, protocolMax: 1 };
}

function proof(): Uint8Array {
  // The challenge of a link with this seed is always the same.
  const challenge = seededRandom(1).bytes(32);
  return prove(token, challenge, { dialed: true, prover: peer, verifier: self });
}

function context() {
  return {
    session,
    frontend: "gate-1",
    incarnation: 22n,
    capability,
    user: "ann",
    roles: ["admin"],
    data: { [patch.type]: patch.fields },
  };
}

function open(): FrameInit {
  return { body: { case: "open", value: { handle: 1, version: 1n, context: context() } } };
}

function forward(handle: number): FrameInit {
  return {
    number: 1n,
    body: { case: "forward", value: { call: 5n, handle, route: "a.b", body: Uint8Array.of(1, 2), envelope: envelopeOf } },
  };
}

function batch(frames: readonly FrameInit[]): Uint8Array {
  return toBinary(LinkRequestSchema, create(LinkRequestSchema, { frames: [...frames] }));
}

// Of a frame's body: a number that takes two bytes.
function tag(number: number): Uint8Array {
  const value = (number << 3) | 2;
  return bytesOf((value & 0x7f) | 0x80, value >> 7);
}
