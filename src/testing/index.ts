// A cluster and its clients in one process, on a clock that moves only when told.
export {
  createTestCluster,
  type Fault,
  type TestCluster,
  type TestClusterOptions,
  type TestServerOptions,
} from "./test-cluster.ts";
