import { type CloseCounts, createCloseCounts } from "./closes.ts";
import { type CountedCode, createCodeCounts } from "./counted-code.ts";
import type { Distribution } from "./distribution.ts";
import { createResumeCounts, type ResumeCounts } from "./resume-outcome.ts";
import { createRefusalCounts, type RefusalCounts } from "./stage.ts";

// Named as the limits are; `methodLimit` and `methodBytes` are the schema's `limit` and `max_bytes`.
const limitNames = [
  "handshakeMs",
  "handshakeBytes",
  "handshakesPerSecond",
  "heapShare",
  "loopDelayMs",
  "connections",
  "connectionsPerAddress",
  "unauthenticated",
  "packetBytes",
  "packetOutBytes",
  "fragments",
  "messagesPerSecond",
  "bytesPerSecond",
  "inFlight",
  "methodLimit",
  "methodBytes",
  "unboundMs",
  "deadMs",
  "deadOtherMs",
  "queueMessages",
  "queueBytes",
  "processQueueBytes",
  "stalledMs",
  "pausedSessions",
  "sessionDataBytes",
] as const;

/** A limit that can be hit. */
export type LimitName = (typeof limitNames)[number];

/** How often each limit was hit. */
export type LimitCounts = { [L in LimitName]: number };

/** How many sessions the clients of one fingerprint have now. */
export interface ClientCount {
  /** "unknown" where no release has it, "none" where they say none. */
  readonly fingerprint: string;
  /** The newest release that has it; empty where none does. */
  readonly release: string;
  sessions: number;
}

/** How many pushes of each class. */
export type PushCounts = Record<"replay" | "latest" | "droppable", number>;

/** What a frontend has seen. Read when asked for; never reset. */
export interface FrontendCounters {
  /** Sockets taken, ever. */
  accepted: number;
  /** Sockets closed before their handshake was done, by the code that their client was told, or would have been. */
  readonly handshakesRefused: Record<CountedCode, number>;
  /** Sessions that ended, by why. */
  readonly closes: CloseCounts;
  /** Connections closed for a breach of the protocol. */
  violations: number;
  /** Connections cut since they read too slowly. */
  tooSlow: number;
  /** Connections that fell silent. */
  silent: number;
  /** Messages that came, of every kind. */
  messages: number;
  /** Messages that were written, of every kind. */
  messagesSent: number;
  /** What clients sent, in bytes, as the acceptors read it: what TLS and WebSocket lay around it is not in it. */
  bytesReceived: number;
  /** What was written to clients, in bytes, headers of WebSocket frames included. */
  bytesSent: number;
  /** How long messages took to other servers and back, in seconds, by route. */
  readonly forwards: Map<string, Distribution>;
  /** Pushes that no connection could be told: their route or message is not known here. */
  pushesUnknown: number;
  /** Sessions that missed pushes, since a link between servers stayed broken or was too full. */
  gaps: number;
  /** Clients turned away that must update. */
  mustUpdate: number;
  /** Sessions by the fingerprint of their clients: of those that are known, a bounded number. */
  readonly clients: Map<string, ClientCount>;
  /** How often a session lost its connection, and waited for its client. */
  paused: number;
  /** What came of clients that came back with a ticket. */
  readonly resumes: ResumeCounts;
  /** Messages that went to clients that had come back: again, or late. */
  replayed: number;
  /** Pushes that were written, by their class; those that went out again are in it. */
  readonly pushesSent: PushCounts;
  /** Pushes that went to clients that had come back, again or late, by their class. */
  readonly pushesReplayed: PushCounts;
  /** `latest` pushes that a newer one took the place of, while they waited or where their client came back. */
  pushesCollapsed: number;
  /** `droppable` pushes that were dropped: their client read too slowly, or had no connection. */
  pushesDropped: number;
  /** Messages refused, by the stage that refused. */
  readonly refused: RefusalCounts;
  /** How often each limit was hit, by its name. */
  readonly limits: LimitCounts;
}

/** All at zero. */
export function createFrontendCounters(): FrontendCounters {
  return {
    accepted: 0,
    handshakesRefused: createCodeCounts(),
    closes: createCloseCounts(),
    violations: 0,
    tooSlow: 0,
    silent: 0,
    messages: 0,
    messagesSent: 0,
    bytesReceived: 0,
    bytesSent: 0,
    forwards: new Map(),
    pushesUnknown: 0,
    gaps: 0,
    mustUpdate: 0,
    clients: new Map(),
    paused: 0,
    resumes: createResumeCounts(),
    replayed: 0,
    pushesSent: { replay: 0, latest: 0, droppable: 0 },
    pushesReplayed: { replay: 0, latest: 0, droppable: 0 },
    pushesCollapsed: 0,
    pushesDropped: 0,
    refused: createRefusalCounts(),
    // Every name is there once.
    limits: Object.fromEntries(limitNames.map((name) => [name, 0])) as LimitCounts,
  };
}
