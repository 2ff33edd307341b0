import { fork } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { fileURLToPath } from "node:url";
import { createClient, type Transport, webSocket } from "nano-rpc/client";
import { tcp } from "nano-rpc/client/tcp";
import { RoomClient } from "../../examples/chat/gen/chat/v1/chat_client.ts";
import { encodePacket, PacketType } from "../../src/packet/index.ts";
import type { VictimWord } from "./victim.ts";

/** What was seen of a server that many came to and left. */
export interface Leaks {
  readonly cycles: number;
  /** Sessions that began, at the gate and at the room. */
  readonly opened: number;
  /** Sessions that are there when all have left. */
  readonly sessions: number;
  /** Heap and buffers after collection, when the first have come and gone. */
  readonly beforeBytes: number;
  readonly afterBytes: number;
}

const atOnce = 16;
const endMs = 120_000;

/** Has clients come and go, each in one of four ways. @param warm How many do before the first look. */
export async function cycle(warm: number, cycles: number, progress: (done: number) => void = () => {}): Promise<Leaks> {
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
    const visit = visits(addresses);
    await all(warm, visit, () => {});
    const before = await untilEmpty(held);
    await all(cycles, visit, progress);
    const after = await untilEmpty(held);
    const { sessions, opened } = after;
    return { cycles, opened, sessions, beforeBytes: before.heapBytes, afterBytes: after.heapBytes };
  } finally {
    child.disconnect();
    await once(child, "exit");
  }
}

async function all(count: number, visit: (number: number) => Promise<void>, progress: (done: number) => void): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (next < count) {
        await visit(next++);
        progress(next);
      }
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
function visits(addresses: Readonly<Record<string, string>>): (number: number) => Promise<void> {
  const [host = "", port = ""] = (addresses["tcp"] ?? "").split(":");
  const overTcp = tcp({ host, port: Number(port) });
  const overWebSocket = webSocket(`ws://${addresses["ws"]}`);
  async function talk(transport: Transport, number: number): Promise<void> {
    const client = createClient({ transport, reconnect: false });
    await client.connect();
    await client.service(RoomClient).join({ room: `room-${number % 7}`, name: `visitor-${number}` });
    await client.close();
  }
  async function tear(handshake: boolean): Promise<void> {
    const socket = connect({ host, port: Number(port), noDelay: true });
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
  return (number) => {
    if (number % 4 === 0) return talk(overTcp, number);
    if (number % 4 === 1) return talk(overWebSocket, number);
    return tear(number % 4 === 2);
  };
}
