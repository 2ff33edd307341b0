import { create } from "@bufbuild/protobuf";
import {
  type Acceptor,
  createServer,
  implement,
  NanoError,
  type Server,
  type ServerOptions,
  silentLogger,
  tcp,
  webSocket,
} from "nano-rpc";
import type { HandlerContext, HandlerService, Init, PublicContext } from "nano-rpc/codegen";
import { RoomHandler, RoomMethod, RoomPush } from "../../examples/chat/gen/chat/v1/chat_nano.ts";
import {
  type ChatSession,
  ChatSessionSchema,
  type JoinRequest,
  type JoinResponse,
  type SayRequest,
} from "../../examples/chat/gen/chat/v1/chat_pb.ts";
import { turn, type VirtualClock } from "../../src/clock/index.ts";

/** What a client at the edge may ask. The messages are the chat's; the routes are these tests' own. */
interface Edge {
  /** Says back room and name. */
  echo(request: JoinRequest, ctx: PublicContext<ChatSession>): Init<JoinResponse>;
  /** Answers when the test says so. */
  hold(request: JoinRequest, ctx: PublicContext<ChatSession>): Promise<Init<JoinResponse>>;
  /** The same, two at a time, of which each waits for a second at most. */
  pair(request: JoinRequest, ctx: PublicContext<ChatSession>): Promise<Init<JoinResponse>>;
  /** Fails with `not_found`. */
  fail(request: JoinRequest, ctx: PublicContext<ChatSession>): Init<JoinResponse>;
  /** Logs in as the name; answers with it, and what became of the user's former session. */
  login(request: JoinRequest, ctx: PublicContext<ChatSession>): Promise<Init<JoinResponse>>;
  /** Says who asks; bound sessions only. */
  who(request: JoinRequest, ctx: HandlerContext<ChatSession>): Init<JoinResponse>;
  /** May be called thrice at once, and twice a second. */
  often(request: JoinRequest, ctx: PublicContext<ChatSession>): Init<JoinResponse>;
  /** Takes at most 50 bytes. */
  small(request: JoinRequest, ctx: PublicContext<ChatSession>): Init<JoinResponse>;
  /** Pushes the text back. */
  say(message: SayRequest, ctx: PublicContext<ChatSession>): void;
}

const open = { access: "public" } as const;

const EdgeHandler: HandlerService<Edge> = {
  codegen: 1,
  kind: "handler",
  server: "edge",
  service: RoomHandler.service,
  session: ChatSessionSchema,
  methods: {
    echo: { ...RoomMethod.join, ...open, by: "any", route: "a.b" },
    hold: { ...RoomMethod.join, ...open, by: "any", route: "edge.hold", order: "concurrent", timeoutMs: 20_000 },
    pair: { ...RoomMethod.join, ...open, by: "any", route: "edge.pair", order: "concurrent", maxConcurrent: 2, timeoutMs: 1_000 },
    fail: { ...RoomMethod.join, ...open, by: "any", route: "edge.fail" },
    login: { ...RoomMethod.join, ...open, by: "any", route: "edge.login" },
    who: { ...RoomMethod.join, access: "bound", by: "any", route: "edge.who" },
    often: { ...RoomMethod.join, ...open, by: "any", route: "edge.often", limit: { perSecond: 2, burst: 3 } },
    small: { ...RoomMethod.join, ...open, by: "any", route: "edge.small", maxBytes: 50 },
    say: { ...RoomMethod.say, ...open, by: "any", route: "edge.say" },
  },
  pushes: { said: { ...RoomPush.said, route: "edge.said" } },
};

/** A server with one service, for tests of what clients meet first. */
export interface EdgeServer extends AsyncDisposable {
  readonly server: Server;
  readonly tcp: number;
  readonly ws: number;
  /** Answers all that is held, in the order it came, with the name it was asked with. */
  release(): void;
  readonly held: number;
}

/** How it differs from the default. */
export interface EdgeOptions extends Omit<ServerOptions, "clock"> {
  readonly clock?: VirtualClock;
  /** What the server sees of each socket. */
  readonly seen?: Seen;
}

/** Makes sockets seem to be other than they are. */
interface Seen {
  /** Where the next one comes from. */
  readonly remoteAddress?: () => string;
  /** How many bytes have not been taken. */
  readonly queuedBytes?: () => number;
}

/** Starts it with both transports on ports of their own. With a clock, time moves only when the test says so. */
export async function startEdge({ clock, seen, ...options }: EdgeOptions = {}): Promise<EdgeServer> {
  const held: (() => void)[] = [];
  const said = { ...RoomPush.said, route: "edge.said" };
  const service = implement(EdgeHandler, {
    echo: ({ room, name }) => ({ members: room === "" && name === "" ? [] : [room, name] }),
    hold: ({ name }) => new Promise((resolve) => held.push(() => resolve({ members: [name] }))),
    pair: ({ name }) => new Promise((resolve) => held.push(() => resolve({ members: [name] }))),
    fail() {
      throw new NanoError({ code: "not_found", message: "no such thing", metadata: { asked: "😀" } });
    },
    async login({ name }, { session }) {
      const { former } = await session.bind(name);
      return { members: [name, former] };
    },
    often: () => ({}),
    small: () => ({}),
    who: (_request, { session }) => ({ members: [session.user, session.data.room, ...session.roles] }),
    say: ({ text }, { session }) => session.push(said, text === "" ? {} : { name: "echo", text }),
  });
  const server = createServer({
    log: silentLogger,
    ...options,
    ...(clock ? { clock } : {}),
    services: [service],
    acceptors: [tcp({ port: 0 }), webSocket({ port: 0 })].map((one) => (seen ? seemingly(seen, one) : one)),
  });
  await server.start();
  async function stop(): Promise<void> {
    const stopped = server.stop({ graceMs: 100 });
    // Time stands still unless a test moves it, and a stop takes its time.
    if (clock) await drive(clock, stopped);
    return stopped;
  }
  return {
    server,
    tcp: portOf(server, "tcp"),
    ws: portOf(server, "ws"),
    get held() {
      return held.length;
    },
    release() {
      for (const answer of held.splice(0)) answer();
    },
    [Symbol.asyncDispose]: stop,
  };
}

function seemingly({ remoteAddress, queuedBytes }: Seen, acceptor: Acceptor): Acceptor {
  return {
    ...acceptor,
    start: (accept, host) =>
      acceptor.start((socket) => {
        return accept({
          remoteAddress: remoteAddress?.() ?? socket.remoteAddress,
          framing: socket.framing,
          get queuedBytes() {
            return queuedBytes?.() ?? socket.queuedBytes;
          },
          write: (bytes) => socket.write(bytes),
          end: () => socket.end(),
          destroy: () => socket.destroy(),
        });
      }, host),
  };
}

/** A session's data, to begin with. */
export function firstRoom(room: string): { readonly schema: typeof ChatSessionSchema; readonly message: ChatSession } {
  return { schema: ChatSessionSchema, message: create(ChatSessionSchema, { room }) };
}

async function drive(clock: VirtualClock, promise: Promise<unknown>): Promise<void> {
  let over = false;
  const end = (): void => {
    over = true;
  };
  promise.then(end, end);
  while (!over) {
    clock.moveTo(clock.now() + 20);
    await turn();
  }
}

/** Where an acceptor listens. */
export function portOf(server: Server, name: string): number {
  return Number(server.addresses[name]?.split(":").at(-1));
}
