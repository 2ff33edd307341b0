import { encodeMessage, MessageKind } from "../../src/message/index.ts";
import { encodePacket, PacketType } from "../../src/packet/index.ts";
import { bytesOf } from "../support/raw-peer.ts";

/** How far a connection has come, as its client knows. */
export type State = "fresh" | "deciding" | "answered" | "working" | "closed";

/** One thing that a server says: `refused` is the answer to a handshake that lets nobody in. */
export type Said = "accepted" | "refused" | "answer" | "failure" | "push" | "kick";

/** What a server does on one packet. */
export interface Step {
  readonly to: State;
  readonly said: readonly Said[];
}

/** Every packet that a client can send, and some that it cannot. */
export const packets = {
  handshake: packet(PacketType.handshake, '{"sys":{}}'),
  /** One that the application never decides on. */
  "held handshake": packet(PacketType.handshake, '{"sys":{},"user":{"hold":true}}'),
  "broken handshake": packet(PacketType.handshake, '{"sys":'),
  ack: packet(PacketType.handshakeAck),
  "ack with a body": packet(PacketType.handshakeAck, "body"),
  heartbeat: packet(PacketType.heartbeat),
  "heartbeat with a body": packet(PacketType.heartbeat, "\u0007"),
  request: data(MessageKind.request, "a.b", '{"room":"r","name":"n"}'),
  notify: data(MessageKind.notify, "edge.say", '{"text":"t"}'),
  "request of no route": data(MessageKind.request, "no.such", "{}"),
  "request that is no JSON": data(MessageKind.request, "a.b", "{"),
  "response of a client": data(MessageKind.response, "", "{}"),
  "push of a client": data(MessageKind.push, "edge.said", "{}"),
  "code that is not in the dictionary": packet(PacketType.data, Uint8Array.of(3, 0, 99)),
  "message that is none": packet(PacketType.data, Uint8Array.of(0x0e, 0)),
  "body that does not inflate": packet(PacketType.data, Uint8Array.of(0x10, 1, 3, 97, 46, 98, 255, 255)),
  "empty data": packet(PacketType.data),
  kick: packet(PacketType.kick, '{"code":"moved","reason":"r"}'),
  "type 0": packet(0),
  "type 6": packet(6),
  // Announces a body over every limit, and brings none.
  "packet too large": Uint8Array.of(PacketType.data, 0xff, 0xff, 0xff),
} as const;

/** The name of a packet. */
export type PacketName = keyof typeof packets;

// What is neither here nor among what a state knows ends the connection; only who works is told why.
const handshakes: Partial<Record<PacketName, Step>> = {
  handshake: { to: "answered", said: ["accepted"] },
  "held handshake": { to: "deciding", said: [] },
  "broken handshake": { to: "closed", said: ["refused", "kick"] },
};
const known: Readonly<Record<State, Partial<Record<PacketName, Step>>>> = {
  fresh: handshakes,
  deciding: {},
  answered: {
    ack: { to: "working", said: [] },
    "ack with a body": { to: "working", said: [] },
    heartbeat: { to: "answered", said: [] },
    "heartbeat with a body": { to: "answered", said: [] },
  },
  working: {
    heartbeat: { to: "working", said: [] },
    "heartbeat with a body": { to: "working", said: [] },
    request: { to: "working", said: ["answer"] },
    notify: { to: "working", said: ["push"] },
    "request of no route": { to: "working", said: ["failure"] },
    "request that is no JSON": { to: "working", said: ["failure"] },
  },
  closed: {},
};

/** What a server does on a packet, by semantics.md: the whole state machine. */
export function step(state: State, name: PacketName): Step {
  if (state === "closed") return { to: "closed", said: [] };
  return known[state][name] ?? { to: "closed", said: state === "working" ? ["kick"] : [] };
}

/** The packets that lead to a state. */
export const ways: Readonly<Record<Exclude<State, "closed">, readonly PacketName[]>> = {
  fresh: [],
  deciding: ["held handshake"],
  answered: ["handshake"],
  working: ["handshake", "ack"],
};

function packet(type: number, body: string | Uint8Array = ""): Uint8Array {
  const bytes = encodePacket(PacketType.data, bytesOf(body));
  bytes[0] = type;
  return bytes;
}

function data(kind: MessageKind, route: string, body: string): Uint8Array {
  return packet(PacketType.data, encodeMessage({ kind, id: 7, route, code: -1, compressed: false, error: false }, bytesOf(body)));
}
