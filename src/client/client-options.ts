import type { Clock, Random } from "../clock/index.ts";
import type { SchemaCheck } from "../contract/index.ts";
import type { Serializer } from "../serializer/index.ts";
import type { ClientTracing } from "./client-tracing.ts";
import type { ReconnectOptions } from "./reconnect.ts";
import type { Transport } from "./transport.ts";

/** What a client is made of. */
export interface ClientOptions {
  readonly transport: Transport;
  /** How bodies are written. The default is "protobuf". */
  readonly encoding?: "protobuf" | "json" | (string & {});
  /** Beside protobuf and JSON. */
  readonly serializers?: readonly Serializer[];
  /** Whether routes may be codes of two bytes, which the server gives. The default is true. */
  readonly codes?: boolean;
  /** Whether the server may deflate what it sends. The default is true, where the platform inflates (`DecompressionStream`). */
  readonly inflate?: boolean;
  /** What the handshake tells the server; `user` is where credentials go. */
  readonly handshake?: {
    readonly platform?: string;
    readonly version?: string;
    readonly user?: object;
    /** More of its `sys`, as servers of Pitaya and pomelo read it: `libVersion`, `clientBuildNumber`, `type`. The default is nothing. */
    readonly sys?: Readonly<Record<string, string>>;
  };
  /** Traces requests and notifies: `openTelemetry()` of "nano-rpc/client/tracing". The default is none. */
  readonly tracing?: ClientTracing;
  /** The default for calls that say nothing, and methods that say nothing. The default is 5,000. */
  readonly timeoutMs?: number;
  /** How long connecting and the handshake may take together. The default is 10,000. */
  readonly connectTimeoutMs?: number;
  /** How the client comes back after its connection broke. The default is by itself, for as long as it takes; false stays closed. */
  readonly reconnect?: false | ReconnectOptions;
  /** How many messages may wait for the connection. The default is 256. */
  readonly queueMessages?: number;
  /** How many requests may be without an answer, those that wait for the connection among them. The default is 256. */
  readonly inFlight?: number;
  /** The largest packet that the server may send. The default is 4 MiB. */
  readonly maxPacketBytes?: number;
  /**
   * What messages are looked at by before they are sent: `printedChecks(...RoomChecks)`, or `await protovalidate()` of
   * "nano-rpc/client/protovalidate". A request that does not pass fails with `invalid_argument` and is not sent; a notify throws. The default is the
   * server's check alone.
   */
  readonly check?: SchemaCheck;
  /** The default is the machine's. */
  readonly clock?: Clock;
  /** Chooses how long the client waits before it comes back. The default is the machine's. */
  readonly random?: Random;
  /** Hears what a listener threw, of a notify that waited and could not be written, and of a reset handler that failed. The default lets it be an uncaught error, after everyone has heard. */
  readonly onError?: (reason: unknown) => void;
}
