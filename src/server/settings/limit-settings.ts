import type { FrontendLimits } from "../../frontend/index.ts";
import { type Setting, share, whole } from "./setting.ts";

/** `limits` of the options of a server: each is there, or this does not compile. */
export const limitSettings = {
  handshakeMs: whole("How long a handshake may take.", 5_000),
  handshakeBytes: whole("How many bytes a client may send until its handshake is done.", 4_096),
  handshakesPerSecond: whole("How many handshakes are decided on in a second.", 1_000),
  heapShare: share("Which part of the heap's limit may be used before newcomers are sent away.", 0.85),
  loopDelayMs: whole("How late the event loop may be, twice in a row, before newcomers are sent away.", 500),
  connections: whole("How many connections there may be.", "20,000, or what file descriptors allow"),
  connectionsPerAddress: whole("How many of one address; those of this machine are not counted.", 256),
  unauthenticated: whole("How many may not have shown who they are.", 1_000),
  packetBytes: whole("How large a packet of a client may be.", 65_536),
  packetOutBytes: whole("How large an answer or a push may be.", 1_048_576),
  fragments: whole("How many fragments a message of a WebSocket may come in.", 64),
  messagesPerSecond: whole("How many packets a session may send in a second.", 100),
  messagesBurst: whole("How many at once.", "300, at least messagesPerSecond"),
  bytesPerSecond: whole("How many bytes a session may send in a second.", 65_536),
  bytesBurst: whole("How many at once.", "262,144, at least bytesPerSecond and packetBytes"),
  inFlight: whole("How many messages of a session may wait for an answer.", 256),
  unboundMs: whole("How long a session may stay without a user; 0: as long as it likes.", 30_000, 0),
  heartbeatMs: whole("How often the server sends a heartbeat, in whole seconds.", 10_000),
  deadMs: whole("After how long without a byte a nano client is gone.", 25_000),
  deadOtherMs: whole("The same for every other client.", 75_000),
  queueMessages: whole("How many messages may wait for a slow reader.", 1_024),
  queueBytes: whole("How many bytes may.", 1_048_576),
  processQueueBytes: whole("How many bytes may wait for all clients together.", 268_435_456),
  stalledMs: whole("How long a client may take nothing of what waits for it.", 10_000),
  resumeMs: whole("How long a session waits for its client, where that lost its connection; 0: not at all.", 30_000, 0),
  pausedSessions: whole("How many sessions may wait for their clients.", 20_000),
  sessionDataBytes: whole("How much a session may carry as data.", 2_048),
} as const satisfies { readonly [L in keyof FrontendLimits]-?: Setting };
