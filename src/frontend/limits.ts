/** What one client, and all clients of a frontend, may use. `docs/limits.md` says what happens beyond each. `Infinity` lifts one. */
export interface FrontendLimits {
  /** How long a socket may take until its handshake is decided on, and again until the client has acknowledged that. The default is 5,000. */
  readonly handshakeMs?: number;
  /** How many bytes a client may send until its handshake is done, the ack not counted. The default is 4,096. */
  readonly handshakeBytes?: number;
  /** How many handshakes are decided on in a second, and at once. The default is 1,000. */
  readonly handshakesPerSecond?: number;
  /** Which part of the heap's limit may be used before newcomers are sent away. The default is 0.85. */
  readonly heapShare?: number;
  /** How late the event loop may be, twice in a row, before newcomers are sent away. The default is 500. */
  readonly loopDelayMs?: number;
  /** How many connections there may be. The default is 20,000, or what the system's file descriptors allow. */
  readonly connections?: number;
  /** How many of one address (of IPv6, of one /64 network); those of this machine are not counted. The default is 256. */
  readonly connectionsPerAddress?: number;
  /**
   * How many may not have shown who they are: before the ack of their handshake and, where the schema has methods that need a user (and
   * `unboundMs` is not 0), sessions without one. The default is 1,000.
   */
  readonly unauthenticated?: number;
  /** How large a packet of a client may be, as it comes and inflated. The default is 65,536. */
  readonly packetBytes?: number;
  /** How large an answer or a push may be, before it is deflated. The default is 1 MiB. */
  readonly packetOutBytes?: number;
  /** How many fragments a message of a WebSocket may come in. The default is 64. */
  readonly fragments?: number;
  /** How many packets a session may send in a second. The default is 100. */
  readonly messagesPerSecond?: number;
  /** How many at once. The default is 300, at least `messagesPerSecond`. */
  readonly messagesBurst?: number;
  /** How many bytes a session may send in a second, counted inflated. The default is 65,536. */
  readonly bytesPerSecond?: number;
  /** How many at once. The default is 262,144, at least `bytesPerSecond` and `packetBytes`. */
  readonly bytesBurst?: number;
  /** How many messages of a session may wait for an answer. The default is 256. */
  readonly inFlight?: number;
  /** How long a session may stay without a user, where the schema has methods that need one. 0: as long as it likes. The default is 30,000. */
  readonly unboundMs?: number;
  /** How often the server sends a heartbeat, in whole seconds. The default is 10,000. */
  readonly heartbeatMs?: number;
  /** After how long without a byte a nano client is gone. The default is 25,000. */
  readonly deadMs?: number;
  /** The same for every other client, whose first heartbeat may be late. The default is 75,000. */
  readonly deadOtherMs?: number;
  /** How much may wait for a client, what it has not acknowledged included. The defaults are 1,024 messages and 1 MiB. */
  readonly queueMessages?: number;
  readonly queueBytes?: number;
  /** How much may wait for all clients together. The default is 256 MiB. */
  readonly processQueueBytes?: number;
  /** How long a client may take nothing of what waits in its socket; as long again for each 128 KiB of it. The default is 10,000. */
  readonly stalledMs?: number;
  /** How long a session waits for its client, where that lost its connection and can come back. 0: not at all. The default is 30,000. */
  readonly resumeMs?: number;
  /** How many sessions may wait for their clients. The default is 20,000. */
  readonly pausedSessions?: number;
  /** How much a session may carry as data. The default is 2,048. */
  readonly sessionDataBytes?: number;
}

/** Every limit with its default filled in. */
export type ResolvedLimits = { readonly [L in keyof FrontendLimits]-?: number };

const mayBeNothing: ReadonlySet<string> = new Set(["unboundMs", "heapShare", "resumeMs"]);

/** Throws a RangeError that names the limit that makes no sense. */
export function resolveLimits(limits: FrontendLimits = {}): ResolvedLimits {
  const resolved: ResolvedLimits = {
    handshakeMs: 5_000,
    handshakeBytes: 4_096,
    handshakesPerSecond: 1_000,
    heapShare: 0.85,
    loopDelayMs: 500,
    connections: 20_000,
    connectionsPerAddress: 256,
    unauthenticated: 1_000,
    packetBytes: 65_536,
    packetOutBytes: 1_048_576,
    fragments: 64,
    messagesPerSecond: 100,
    messagesBurst: Math.max(300, limits.messagesPerSecond ?? 0),
    bytesPerSecond: 65_536,
    bytesBurst: Math.max(262_144, limits.bytesPerSecond ?? 0, limits.packetBytes ?? 0),
    inFlight: 256,
    unboundMs: 30_000,
    heartbeatMs: 10_000,
    deadMs: 25_000,
    deadOtherMs: 75_000,
    queueMessages: 1_024,
    queueBytes: 1_048_576,
    processQueueBytes: 268_435_456,
    stalledMs: 10_000,
    resumeMs: 30_000,
    pausedSessions: 20_000,
    sessionDataBytes: 2_048,
    ...limits,
  };
  for (const [name, value] of Object.entries(resolved)) {
    const least = mayBeNothing.has(name) ? 0 : 1;
    if (!(value >= least)) throw new RangeError(`limits.${name} must be at least ${least}, not ${value}`);
  }
  // Clients read whole seconds, and take 0 for no heartbeats at all (clients.md, rule 5).
  if (resolved.heartbeatMs % 1_000 !== 0) throw new RangeError("limits.heartbeatMs must be whole seconds");
  for (const name of ["packetBytes", "packetOutBytes"] as const) {
    if (resolved[name] > 0xff_ffff) throw new RangeError(`limits.${name} must fit 24 bits`);
  }
  // Otherwise a packet of the size allowed could never come.
  if (resolved.bytesBurst < resolved.packetBytes) throw new RangeError("limits.bytesBurst must hold one packet of packetBytes");
  return resolved;
}
