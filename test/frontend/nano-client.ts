import { decodeCount, encodeCount, PacketType } from "../../src/packet/index.ts";
import { type RawClient, rawTcp } from "../support/raw-client.ts";
import { textOf } from "../support/raw-peer.ts";

/** What a nano client was told of its session. */
interface Told {
  readonly session: string;
  readonly ticket: string;
  readonly windowMs: number;
  readonly epoch: number;
  readonly received: number;
  readonly resumed: boolean;
  readonly reset?: string;
}

/** A nano client by hand: it counts what it reads, and says so when it is told to. */
export interface NanoClient {
  readonly raw: RawClient;
  readonly told: Told;
  /** How many messages were read by `text`. */
  readonly received: number;
  /** The text of the next message: of a push what it says, of an answer its id and the first member. */
  text(): Promise<string>;
  /** Says how many it has read. */
  count(received?: number): void;
  /** The next count that the server says. */
  counted(): Promise<number | undefined>;
}

/** The ticket and the count that a client comes back with. */
export interface Resume {
  readonly ticket: string;
  readonly received: number;
}

/** Shakes hands, and acknowledges the answer unless told not to. Throws what the server says where it refuses. */
export async function nanoClient(
  port: number,
  options: { readonly resume?: Resume; readonly ack?: boolean } = {},
): Promise<NanoClient> {
  const raw = await rawTcp(port);
  const answer = await raw.handshake({ sys: { serializer: "json", nano: { v: 1, resume: options.resume } } });
  const { code, sys } = answer as { readonly code: number; readonly sys: { readonly nano: Told } };
  if (code !== 200) throw new Error(textOf((await raw.packet()).body));
  if (options.ack !== false) raw.ack();
  let received = 0;
  return {
    raw,
    told: sys.nano,
    get received() {
      return received;
    },
    async text() {
      const message = await raw.message();
      received++;
      const body = JSON.parse(message.text) as { readonly text?: string; readonly members?: readonly string[] };
      return message.id > 0 ? `${message.id}: ${body.members?.[0] ?? message.text}` : (body.text ?? message.text);
    },
    count: (count = received) => raw.sendPacket(PacketType.heartbeat, encodeCount(count)),
    async counted() {
      const { type, body } = await raw.packet();
      if (type !== PacketType.heartbeat) throw new Error(`a packet of type ${type} in place of a count`);
      return decodeCount(body, 0, body.length);
    },
  };
}

/** What a client that was dropped comes back with. */
export function ticketOf({ told, received }: NanoClient): Resume {
  return { ticket: told.ticket, received };
}
