import { fork } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { fileURLToPath } from "node:url";
import { createClient, type Transport, type TransportSocket, webSocket } from "nano-rpc/client";
import { tcp } from "nano-rpc/client/tcp";
import { RoomClient } from "../../examples/chat/gen/chat/v1/chat_client.ts";
import { encodePacket, PacketType } from "../../src/packet/index.ts";
import type { VictimWord } from "./victim.ts";

/** What was seen of a server that many came to and left. */
export interface Leaks {
  readonly cycles: number;
  /** Sessions that began, at the gate and at the room. */
  readonly opened: number;
  /** How often a client came back to its session. */
  readonly resumed: number;
  /** Sessions that are there when all have left. */
  readonly sessions: number;
  /** Heap and buffers after collection, when the first have come and gone. */
  readonly beforeBytes: number;
  readonly afterBytes: number;
}

const atOnce = 16;
const endMs = 120_000;

/** What is done again and again: a client comes and goes, in one of four ways; or a client that is there loses its socket, and comes back to its session. */
export type Round = "visits" | "resumes";

/** Does so many rounds, after some that are done before the first look. */
export async function cycle(
  round: Round,
  {
    warm,
    cycles,
    progress = () => {},
  }: { readonly warm: number; readonly cycles: number; readonly progress?: (done: number) => void },
): Promise<Leaks> {
  const child = fork(fileURLToPath(new URL("victim.ts", import.meta.url)), { execArgv: ["--conditions=nano-source"] });
  const word = async <W extends VictimWord["what"]>(what: W): Promise<VictimWord & { readonly what: W }> => {
    const [said]: [VictimWord] = (await once(child, "message", { signal: AbortSignal.timeout(endMs) })) as [VictimWord];
    if (said.what !== what) throw new Error(`the server says ${said.what}`);
    return said as VictimWord & { readonly what: W };
  };
  const held = (): Promise<VictimWord & { readonly what: "held" }> => {
    const answer = word("held");
    child.send("what do you hold?");
    return answer;
  };
  try {
    const { addresses } = await word("ready");
    const all = round === "visits" ? visits(addresses) : resumes(addresses);
    await all(warm, () => {});
    const before = await untilEmpty(held);
    await all(cycles, progress);
    const after = await untilEmpty(held);
    const { sessions, opened, resumed } = after;
    return { cycles, opened, resumed, sessions, beforeBytes: before.heapBytes, afterBytes: after.heapBytes };
  } finally {
    child.disconnect();
    await once(child, "exit");
  }
}

type Progress = (done: number) => void;

/** Some of them at once. @param begin Begins one of these lines, and gives what it does in each round, and in the end. */
async function inLines(
  count: number,
  begin: (line: number) => Promise<{ readonly each: (number: number) => Promise<void>; readonly end: () => Promise<void> }>,
  progress: Progress,
): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: atOnce }, async (_, line) => {
      const { each, end } = await begin(line);
      while (next < count) {
        await each(next++);
        progress(next);
      }
      await end();
    }),
  );
}

/** What is held when nobody is there, or in the end. */
async function untilEmpty(
  held: () => Promise<VictimWord & { readonly what: "held" }>,
): Promise<VictimWord & { readonly what: "held" }> {
  const untilMs = performance.now() + endMs;
  for (;;) {
    const now = await held();
    if (now.sessions === 0 || performance.now() > untilMs) return held();
  }
}

/** The ways in turn: over TCP and WebSocket with a goodbye, torn in the middle of a session, torn in the middle of a handshake. */
function visits(addresses: Addresses): (count: number, progress: Progress) => Promise<void> {
  const { host, port, overTcp, overWebSocket } = waysTo(addresses);
  async function talk(transport: Transport, number: number): Promise<void> {
    const client = createClient({ transport, reconnect: false });
    await client.connect();
    await client.service(RoomClient).join({ room: `room-${number % 7}`, name: `visitor-${number}` });
    await client.close();
  }
  async function tear(handshake: boolean): Promise<void> {
    const socket = connect({ host, port, noDelay: true });
    socket.on("error", () => {});
    await once(socket, "connect");
    const said = encodePacket(PacketType.handshake, new TextEncoder().encode('{"sys":{"platform":"js"}}'));
    if (handshake) {
      socket.write(said);
      await once(socket, "data");
      socket.write(encodePacket(PacketType.handshakeAck, new Uint8Array(0)));
      // Half a packet more.
      socket.write(said.subarray(0, 9));
    } else socket.write(said.subarray(0, 9));
    socket.destroy();
    await once(socket, "close");
  }
  const each = (number: number): Promise<void> => {
    if (number % 4 === 0) return talk(overTcp, number);
    if (number % 4 === 1) return talk(overWebSocket, number);
    return tear(number % 4 === 2);
  };
  return (count, progress) => inLines(count, async () => ({ each, end: async () => {} }), progress);
}

/** Clients over TCP and WebSocket in turn, whose sockets break under what they say: each comes back, and is answered. */
function resumes(addresses: Addresses): (count: number, progress: Progress) => Promise<void> {
  const { overTcp, overWebSocket } = waysTo(addresses);
  async function begin(line: number): ReturnType<Parameters<typeof inLines>[1]> {
    const { transport, tear } = tearable(line % 2 === 0 ? overTcp : overWebSocket);
    const client = createClient({ transport, reconnect: { minDelayMs: 1, maxDelayMs: 20 } });
    const room = client.service(RoomClient);
    await client.connect();
    await room.join({ room: `room-${line}`, name: "visitor" });
    return {
      async each(number) {
        const back = Promise.withResolvers<void>();
        const off = client.onState((state) => {
          if (state.name === "open") back.resolve();
        });
        room.say({ text: `${number}` });
        tear();
        const answered = room.join({ room: `room-${line}`, name: "visitor" }).result();
        await back.promise;
        off();
        await answered;
      },
      end: () => client.close(),
    };
  }
  return (count, progress) => inLines(count, begin, progress);
}

/** A transport whose socket can be closed under its client. */
function tearable(transport: Transport): { readonly transport: Transport; tear(): void } {
  let socket: TransportSocket | undefined;
  return {
    transport: {
      name: transport.name,
      async open(events, signal) {
        const opened = await transport.open(events, signal);
        socket = opened;
        return opened;
      },
    },
    tear: () => socket?.close(),
  };
}

type Addresses = Readonly<Record<string, string>>;

function waysTo(addresses: Addresses): {
  readonly host: string;
  readonly port: number;
  readonly overTcp: Transport;
  readonly overWebSocket: Transport;
} {
  const [host = "", portText = ""] = (addresses["tcp"] ?? "").split(":");
  const port = Number(portText);
  return { host, port, overTcp: tcp({ host, port }), overWebSocket: webSocket(`ws://${addresses["ws"]}`) };
}
