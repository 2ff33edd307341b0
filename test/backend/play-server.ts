import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { createServer, memory, type Server, sessionHooks, silentLogger } from "nano-rpc";
import { type Answer, type EnvelopeSchema, type HelloSchema, SessionContextSchema } from "../../gen/nano/cluster/v1/link_pb.ts";
import { seededRandom, sleep } from "../../src/clock/index.ts";
import { createLinkTransport } from "../../src/link/index.ts";
import { createHubs, type Hubs } from "../link/hubs.ts";
import { type FrameInit, RawLink } from "../link/raw-link.ts";
import { PlaySessionSchema } from "../schema/gen/play/v1/play_pb.ts";
import { playServices, type Seen } from "../server/play.ts";

/** A server of the type `play`, and frontends by hand, on one network in memory and on virtual time. */
export interface PlayServer extends Pick<Hubs, "settle" | "advance" | "clock" | "net"> {
  readonly server: Server;
  readonly seen: Seen;
  /** What its session hooks heard, as "opened 01", "bound 01 ann", "patched 01 note,coins", "paused 01 paused", "closed 01 left". */
  readonly heard: string[];
  /** An open link of a frontend. */
  frontend(incarnation?: bigint, differs?: MessageInitShape<typeof HelloSchema>): Promise<RawFrontend>;
  stop(): Promise<void>;
}

/** A frontend by hand. */
export interface RawFrontend {
  readonly raw: RawLink;
  readonly incarnation: bigint;
  /** Opens a session under a handle; sessions are named by a number. */
  open(handle: number, session?: number, differs?: MessageInitShape<typeof SessionContextSchema>): void;
  /** Sends a client's message. The call's number is given back. */
  forward(handle: number, route: string, body?: Uint8Array, differs?: ForwardDiffers): bigint;
  /** The answer to a call, when it is there: the code of an error, or "ok". */
  answered(call: bigint): string | undefined;
  answer(call: bigint): Answer["outcome"] | undefined;
  say(...frames: FrameInit[]): void;
}

/** How a forward differs from the usual. */
interface ForwardDiffers {
  readonly notify?: boolean;
  readonly envelope?: MessageInitShape<typeof EnvelopeSchema>;
}

/** The id of a session, of a number. */
export function sessionId(session: number): Uint8Array {
  return new Uint8Array(16).fill(session);
}

/** Starts a server of the type `play`. */
export async function startPlay(): Promise<PlayServer> {
  const hubs = createHubs();
  const { services, seen } = playServices((ms) => sleep(hubs.clock, ms));
  const heard: string[] = [];
  const name = (session: { readonly id: string }): string => session.id.slice(0, 2);
  const server = createServer({
    id: "play-1",
    services,
    discovery: memory(),
    clock: hubs.clock,
    random: seededRandom(5),
    net: hubs.net.as("play-1"),
    log: silentLogger,
    sessions: [
      sessionHooks(PlaySessionSchema, {
        onOpen: (session) => void heard.push(`opened ${name(session)}`),
        onBind: (session) => void heard.push(`bound ${name(session)} ${session.user}`),
        onPatch: (session, fields) => void heard.push(`patched ${name(session)} ${fields.join()}`),
        onPause: (session) => void heard.push(`paused ${name(session)} ${session.state}`),
        onResume: (session) => void heard.push(`resumed ${name(session)} ${session.state}`),
        onClose: (session, { kind }) => void heard.push(`closed ${name(session)} ${kind}`),
      }),
    ],
  });
  await hubs.drive(server.start());

  async function frontend(incarnation = 100n, differs: MessageInitShape<typeof HelloSchema> = {}): Promise<RawFrontend> {
    const raw = new RawLink();
    const transport = createLinkTransport(hubs.net.as("gate"), { authorize: () => true, other: () => {} });
    const address = server.addresses["cluster"] ?? "";
    raw.stream = await hubs.drive(transport.dial(address, raw.events, new AbortController().signal));
    raw.hello({ id: `gate-${incarnation}`, incarnation }, differs);
    await hubs.settle();
    raw.take("hello");
    let calls = 0n;
    const answer = (call: bigint): Answer["outcome"] | undefined => {
      const found = raw.frames.filter(({ body }) => body.case === "answer" && body.value.call === call);
      if (found.length > 1) throw new Error(`${found.length} answers to the call ${call}`);
      const [frame] = found;
      return frame?.body.case === "answer" ? frame.body.value.outcome : undefined;
    };
    return {
      raw,
      incarnation,
      open(handle, session = handle, differs = {}) {
        const context = create(SessionContextSchema, {
          session: sessionId(session),
          frontend: `gate-${incarnation}`,
          incarnation,
          ...differs,
        });
        raw.say({ body: { case: "open", value: { handle, context, version: 1n } } });
      },
      forward(handle, route, body = new Uint8Array(0), differs = {}) {
        const call = ++calls;
        const envelope = { remainingMs: 5_000 };
        raw.say({ number: call, body: { case: "forward", value: { call, handle, route, body, envelope, ...differs } } });
        return call;
      },
      answer,
      answered(call) {
        const outcome = answer(call);
        return outcome?.case === "error" ? outcome.value.code : outcome?.case === undefined ? undefined : "ok";
      },
      say: (...frames) => raw.say(...frames),
    };
  }

  return {
    settle: hubs.settle,
    advance: hubs.advance,
    clock: hubs.clock,
    net: hubs.net,
    server,
    seen,
    heard,
    frontend,
    stop: () => hubs.drive(server.stop({ graceMs: 10 })),
  };
}
