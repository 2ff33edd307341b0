import type { SessionEvent } from "../../gen/nano/cluster/v1/link_pb.ts";
import type { Acceptor } from "../acceptor/index.ts";
import type { Clock, Random, ReadClock } from "../clock/index.ts";
import type { Logger } from "../logger/index.ts";
import type { ClusterCounters } from "../metrics/index.ts";
import type { Net } from "../net/index.ts";
import type { Serializer } from "../serializer/index.ts";
import type { ServerSessionHooks } from "../session/index.ts";
import type { Authenticate } from "./authenticate.ts";
import type { CompressionOptions } from "./client-form.ts";
import type { DescribeError } from "./describe-error.ts";
import type { DispatchHost } from "./dispatch-host.ts";
import type { FrontendUsersOptions } from "./frontend-users.ts";
import type { ResolvedLimits } from "./limits.ts";
import type { ClientsOptions } from "./releases.ts";

/** What a frontend is made of. */
export interface FrontendOptions
  extends Omit<DispatchHost, "peers" | "limits" | "counters" | "now" | "handlerFailed" | "findRoute" | "local">,
    Omit<FrontendUsersOptions, "linkTo"> {
  readonly id: string;
  /** The server's own: what a route of two parts means. */
  readonly types: readonly string[];
  readonly acceptors: readonly Acceptor[];
  /** Whether other processes listen on their ports, too. */
  readonly sharePorts: boolean;
  readonly authenticate: Authenticate | undefined;
  readonly clock: Clock;
  readonly time: ReadClock;
  readonly random: Random;
  readonly net: Net;
  readonly log: Logger;
  readonly limits: ResolvedLimits;
  /** Where frames of other servers that were refused are counted. */
  readonly clusterCounters: Pick<ClusterCounters, "framesRefused">;
  /** The encoding of clients that name none. */
  readonly encoding: string;
  readonly serializers: readonly Serializer[];
  readonly compression: CompressionOptions | false;
  /** Whether clients that understand codes are given a dictionary. */
  readonly dictionary: boolean;
  /** What is known of the clients that were shipped. */
  readonly clients: ClientsOptions | undefined;
  /** Whether clients may ask for the schema. */
  readonly reflection: boolean;
  readonly describeError: DescribeError | undefined;
  readonly hooks: readonly ServerSessionHooks[];
  /** Where the own server hears of users' sessions. */
  readonly watched: ((event: SessionEvent) => void) | undefined;
  /** Whether any method that clients may call needs a user. */
  readonly needsUser: () => boolean;
  /** Counts the pushes to groups that this server makes. */
  readonly pushed: { readonly number: bigint };
}
