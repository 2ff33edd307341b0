/** What one client, and all clients of a frontend, may use. */
export interface FrontendLimits {
  /** How long a socket may take until its handshake is decided on, and again until the client has acknowledged that. The default is 5,000. */
  readonly handshakeMs?: number;
  /** How large the handshake may be. The default is 4,096. */
  readonly handshakeBytes?: number;
  /** How large a packet of a client may be, as it comes and inflated. The default is 65,536. */
  readonly packetBytes?: number;
  /** How many connections there may be. The default is 20,000. */
  readonly connections?: number;
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
  /** How much may wait for a slow reader. The defaults are 1,024 messages and 1 MiB. */
  readonly queueMessages?: number;
  readonly queueBytes?: number;
  /** How much a session may carry as data. The default is 2,048. */
  readonly sessionDataBytes?: number;
}

/** Every limit with its default filled in. */
export type ResolvedLimits = { readonly [L in keyof FrontendLimits]-?: number };

/** Throws a RangeError that names the limit that makes no sense. */
export function resolveLimits(limits: FrontendLimits = {}): ResolvedLimits {
  const resolved: ResolvedLimits = {
    handshakeMs: 5_000,
    handshakeBytes: 4_096,
    packetBytes: 65_536,
    connections: 20_000,
    inFlight: 256,
    unboundMs: 30_000,
    heartbeatMs: 10_000,
    deadMs: 25_000,
    deadOtherMs: 75_000,
    queueMessages: 1_024,
    queueBytes: 1_048_576,
    sessionDataBytes: 2_048,
    ...limits,
  };
  for (const [name, value] of Object.entries(resolved)) {
    const least = name === "unboundMs" ? 0 : 1;
    if (!Number.isFinite(value) || value < least) throw new RangeError(`limits.${name} must be at least ${least}, not ${value}`);
  }
  // Clients read whole seconds, and take 0 for no heartbeats at all (clients.md, rule 5).
  if (resolved.heartbeatMs % 1_000 !== 0) throw new RangeError("limits.heartbeatMs must be whole seconds");
  if (resolved.packetBytes > 0xff_ffff) throw new RangeError("limits.packetBytes must fit 24 bits");
  return resolved;
}
