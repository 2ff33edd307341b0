import type { Acceptor } from "../acceptor/index.ts";
import type { Clock, Random } from "../clock/index.ts";
import type { Module } from "../context/index.ts";
import type { HandlerService } from "../contract/index.ts";
import type { Discovery } from "../discovery/index.ts";
import type {
  Authenticate,
  ClientsOptions,
  CompressionOptions,
  DescribeError,
  FrontendLimits,
  UnknownRoute,
} from "../frontend/index.ts";
import type { Logger } from "../logger/index.ts";
import type { Net, TlsOptions } from "../net/index.ts";
import type { Service, Step } from "../pipeline/index.ts";
import type { Reporter } from "../reporter/index.ts";
import type { RoutingFunction } from "../router/index.ts";
import type { Serializer } from "../serializer/index.ts";
import type { ServerSessionHooks, SessionEvents } from "../session/index.ts";
import type { TracingOptions } from "../tracing/index.ts";
import type { HttpOptions } from "./endpoint.ts";
import type { StopSignal } from "./signals.ts";
import type { WatchdogOptions } from "./watchdog.ts";

/** How the other servers reach this one. */
export interface ClusterOptions {
  /** Where the cluster port listens, as "127.0.0.1:4000". The default is "127.0.0.1:0": port 0 picks one. */
  readonly listen?: string;
  /** What the other servers dial, where it is not `listen`: "10.0.0.1:4000". */
  readonly advertise?: string;
  /**
   * Shared secrets of at least 32 bytes. The first is shown, and signs this server's record; any is accepted: two are valid while one replaces the
   * other. The default is none: then others are told apart by `tls`, or the port is on loopback.
   */
  readonly tokens?: readonly string[];
  /**
   * TLS on the cluster port, both ways. With `requestCert` and `ca` only servers with a certificate of the authority come in, and are what its URIs say: `nano:type:room`,
   * `nano:frontend`, `nano:id:room-1`. The default is none.
   */
  readonly tls?: TlsOptions;
}

/** How users are bound to sessions. */
export interface UserOptions {
  /**
   * How many live sessions a user may have. The default is "one": a bind ends the session before, wherever it is. With "any" nothing is
   * ended, and whoever looks for a user asks every frontend. All servers of a cluster must say the same.
   */
  readonly sessions?: "one" | "any";
  /**
   * What a bind does while discovery is out of reach. The default is "lenient": it binds, ends what the user has at the frontends that are
   * linked, and the rest when discovery is back. "strict" throws `unavailable`.
   */
  readonly whenAway?: "lenient" | "strict";
}

/** What a server is made of. Everything has a default; a server with no services and no acceptors does nothing. */
export interface ServerOptions {
  /** Unique in the cluster. The default is random. */
  readonly id?: string;
  /** The version of the application, for those who look at the cluster. The default is empty. */
  readonly version?: string;
  /** Types beside those that the services name. The default is none; where there are none at all, "gate" for a frontend, and "server". */
  readonly types?: readonly string[];
  /** What the server answers. Its types follow from it. */
  readonly services?: readonly Service[];
  /**
   * Services of other servers whose generated code a frontend has: `[RoomHandler]`. What clients send to them is checked by the printed rules, as long
   * as the other server has the same version of the schema; else, and where a message has rules that are not printed, by the library. The default is
   * none: the frontend knows what others answer by their schemas.
   */
  readonly forwards?: readonly HandlerService<unknown>[];
  /** Where clients come in. A server that has one is a frontend. */
  readonly acceptors?: readonly Acceptor[];
  /**
   * Whether other processes of this machine listen on the ports of `acceptors`, too, and get a share of the clients: `serve` with `workers` sets it. The default
   * is false.
   */
  readonly sharePorts?: boolean;
  /** Who is there. The default is this server alone. */
  readonly discovery?: Discovery;
  /** The cluster port. The default is one on loopback where `discovery` is given, and none otherwise. */
  readonly cluster?: ClusterOptions;
  /** Started in order before the services, stopped in reverse. */
  readonly modules?: readonly Module[];
  /** Done around every call. */
  readonly pipeline?: readonly Step[];
  /**
   * By server type: says which of its servers answers a call that begins here, of a client or of this server, where the schema's rule does not do.
   * The default is the schema's rule. An owned key stays where it is: then the function is asked only for one that has no known home.
   */
  readonly routers?: Readonly<Record<string, RoutingFunction>>;
  /** What happens to the sessions that this server serves. */
  readonly sessions?: readonly ServerSessionHooks[];
  /** What it hears of the users' sessions of all frontends, also of those that it does not serve. The default is nothing: none of them tells it. */
  readonly sessionEvents?: SessionEvents;
  /** Who a client is, by its handshake. The default lets everybody in, without a user. */
  readonly authenticate?: Authenticate;
  /** How users are bound to sessions. */
  readonly users?: UserOptions;
  /** What clients may use. */
  readonly limits?: FrontendLimits;
  /** The encoding of clients that name none. The default is "json", which the clients of the family speak. */
  readonly encoding?: "protobuf" | "json" | (string & {});
  /** Beside protobuf and JSON. One that is named "json" stands in the place of nano's, for clients that expect another (`docs/migrating.md`). */
  readonly serializers?: readonly Serializer[];
  /** Who takes out what is counted: `prometheus()`, `statsd()`, one's own. The default is nobody. */
  readonly reporters?: readonly Reporter[];
  /**
   * An endpoint for probes and scrapers: `/healthz` (the process answers), `/readyz` (200 while the server takes new work, else 503, each with the reasons),
   * `/sd` (the endpoints of the whole cluster, for Prometheus to find) and the pages of reporters, as `/metrics`. The default is none.
   */
  readonly http?: HttpOptions;
  /** Spans for OpenTelemetry, of every call and push. `{}` uses the provider that is registered globally. The default is none, at no cost. */
  readonly tracing?: TracingOptions;
  /** How long a drain may take where `drain` or `stop` do not say. The default is 30,000. */
  readonly graceMs?: number;
  /**
   * What this process is told to end by. The first such signal stops the server: `stop()`, and the process ends with exit code 0 when nothing else
   * keeps it, or 1 where stopping failed. The second ends it at once, with 128 and the signal's number (SIGTERM: 143, SIGINT: 130). The default is
   * none: signals are the application's.
   */
  readonly signals?: readonly StopSignal[];
  /**
   * What an error does that nobody caught, thrown or rejected. "stop": it is logged, the server stops as by a signal, and the process ends with exit code 1; a second one
   * ends it at once. The default is Node's: the process ends at once, with exit code 1 and the stack on stderr.
   */
  readonly uncaught?: "stop";
  /** Logs what has blocked the event loop: for how long, which route, and where in the code. `{}` means from 500 ms on. The default is nobody looks. */
  readonly watchdog?: WatchdogOptions;
  /** The default writes JSON lines to stderr, by pino, from "info" on; `server.log.level` changes that at any time. */
  readonly log?: Logger;
  /** What discovery tells of this server, until `server.setMetadata`. The default is nothing. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** How what clients get is deflated, for those that inflate. The default is bodies from 1,024 bytes on, where they get smaller; false is never. */
  readonly compression?: CompressionOptions | false;
  /** Whether clients that understand it are given a dictionary: a code of two bytes for every route of a handler or push. The default is true. */
  readonly dictionary?: boolean;
  /** The clients that were shipped: they need no dictionary, are counted by release, and those that are too old are refused. The default is none. */
  readonly clients?: ClientsOptions;
  /** What becomes of messages whose route no server has. The default is `not_found`. */
  readonly unknownRoute?: UnknownRoute;
  /** How errors are told to clients. The default is code, words, metadata and details. */
  readonly describeError?: DescribeError;
  /**
   * Whether clients may ask for the schema, by the routes `nano.docs` and `nano.descriptors`, as Pitaya's command line does: routes of
   * handlers and pushes with their messages, no comments, no policy, no remotes. The default is false. Meant for development.
   */
  readonly reflection?: boolean;
  /** The default is the machine's. */
  readonly clock?: Clock;
  /** The default is the machine's. */
  readonly random?: Random;
  /** The default is the machine's. */
  readonly net?: Net;
}
