import { Code, ConnectError } from "@connectrpc/connect";

// As etcd says them: clients tell them apart by code and text.
const refusals = {
  emptyKey: ["etcdserver: key is not provided", Code.InvalidArgument],
  keyNotFound: ["etcdserver: key not found", Code.InvalidArgument],
  valueProvided: ["etcdserver: value is provided", Code.InvalidArgument],
  leaseProvided: ["etcdserver: lease is provided", Code.InvalidArgument],
  tooManyOperations: ["etcdserver: too many operations in txn request", Code.InvalidArgument],
  duplicateKey: ["etcdserver: duplicate key given in txn request", Code.InvalidArgument],
  tooLarge: ["etcdserver: request is too large", Code.InvalidArgument],
  compacted: ["etcdserver: mvcc: required revision has been compacted", Code.OutOfRange],
  futureRevision: ["etcdserver: mvcc: required revision is a future revision", Code.OutOfRange],
  noSpace: ["etcdserver: mvcc: database space exceeded", Code.ResourceExhausted],
  tooManyRequests: ["etcdserver: too many requests", Code.ResourceExhausted],
  leaseNotFound: ["etcdserver: requested lease not found", Code.NotFound],
  leaseExists: ["etcdserver: lease already exists", Code.FailedPrecondition],
  leaseTooLong: ["etcdserver: too large lease TTL", Code.OutOfRange],
  noUsers: ["etcdserver: authentication is not enabled", Code.FailedPrecondition],
  stopped: ["etcdserver: server stopped", Code.Unavailable],
} as const satisfies Readonly<Record<string, readonly [string, Code]>>;

/** The error by which etcd refuses something. */
export function refusal(why: keyof typeof refusals): ConnectError {
  const [text, code] = refusals[why];
  return new ConnectError(text, code);
}
