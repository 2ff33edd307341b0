// Whether an acceptor of one's own keeps what its interface promises.
export { type AcceptorCheck, checkAcceptor } from "./check-acceptor.ts";
// Whether a discovery of one's own does.
export { checkDiscovery, type DiscoveryCheck } from "./check-discovery.ts";
// Whether every promise was kept.
export { checkPromises } from "./check-promises.ts";
// Whether a reporter does.
export { checkReporter, type ReporterCheck } from "./check-reporter.ts";
// Whether a routing function does.
export { checkRouting, type RoutingCheck } from "./check-routing.ts";
// Whether a serializer does.
export { checkSerializer, type SerializerCheck } from "./check-serializer.ts";
export type { Dial, DialEvents, DialedClient } from "./checked-client.ts";
// Tests by the hundred, each with faults of its own.
export { playSeeds, type SeededTest, type SeedsOptions } from "./play-seeds.ts";
export { type NumberedPush, numbered } from "./recorder.ts";
export {
  lineOf,
  type Seen,
  type SeenAsked,
  type SeenCrash,
  type SeenFault,
  type SeenHeard,
  type SeenRun,
  type SeenSession,
  type SeenSettled,
  type SeenState,
  type SeenTold,
} from "./seen.ts";
// A cluster and its clients in one process, on a clock that moves only when told.
export { createTestCluster, type Fault, type TestCluster, type TestClusterOptions } from "./test-cluster.ts";
export type { MakeTestServer, TestServerOptions } from "./test-members.ts";
export type { FaultKind, TroubleOptions } from "./trouble.ts";
