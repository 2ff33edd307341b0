// Whether an acceptor of one's own keeps what its interface promises.
export { type AcceptorCheck, checkAcceptor } from "./check-acceptor.ts";
// Whether a discovery of one's own does.
export { checkDiscovery, type DiscoveryCheck } from "./check-discovery.ts";
export type { Dial, DialEvents, DialedClient } from "./checked-client.ts";
// A cluster and its clients in one process, on a clock that moves only when told.
export {
  createTestCluster,
  type Fault,
  type TestCluster,
  type TestClusterOptions,
  type TestServerOptions,
} from "./test-cluster.ts";
