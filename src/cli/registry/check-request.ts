import type {
  DeleteRangeRequest,
  PutRequest,
  RangeRequest,
  RequestOp,
  TxnRequest,
} from "../../../gen/etcd/api/etcdserverpb/rpc_pb.ts";
import { refusal } from "./etcd-refusal.ts";
import { isWithin, type KeyRange, keyRange, keyText } from "./key-range.ts";
import type { RegistryLimits } from "./registry-limits.ts";

/** @throws Where etcd refuses such a range, or such a deletion, whatever is there. */
export function checkKey({ key }: RangeRequest | DeleteRangeRequest | PutRequest): void {
  if (key.length === 0) throw refusal("emptyKey");
}

/** @throws Where etcd refuses such a put, whatever is there. */
export function checkPut(request: PutRequest): void {
  checkKey(request);
  if (request.ignoreValue && request.value.length > 0) throw refusal("valueProvided");
  if (request.ignoreLease && request.lease !== 0n) throw refusal("leaseProvided");
}

/** @throws Where etcd refuses such a transaction, whatever is there; and where it has more operations than anybody needs. */
export function checkTransaction(request: TxnRequest, limits: RegistryLimits): void {
  if (operationsOf(request) > limits.nestedOperations) throw refusal("tooManyOperations");
  checkLevel(request, limits.operations);
  touched(request.success);
  touched(request.failure);
}

function operationsOf({ compare, success, failure }: TxnRequest): number {
  let count = compare.length;
  for (const { request } of [...success, ...failure])
    count += 1 + (request.case === "requestTxn" ? operationsOf(request.value) : 0);
  return count;
}

function checkLevel({ compare, success, failure }: TxnRequest, allowed: number): void {
  const most = Math.max(compare.length, success.length, failure.length);
  if (most > allowed) throw refusal("tooManyOperations");
  if (compare.some(({ key }) => key.length === 0)) throw refusal("emptyKey");
  for (const { request } of [...success, ...failure]) {
    if (request.case === "requestTxn") checkLevel(request.value, allowed - most);
    else if (request.case === "requestPut") checkPut(request.value);
    else if (request.case === undefined) throw refusal("keyNotFound");
    else checkKey(request.value);
  }
}

/** What operations may put and delete. */
interface Touched {
  readonly puts: Set<string>;
  readonly deletions: KeyRange[];
}

/** A key is changed once in a transaction: not put twice, nor put and deleted, unless in branches of which only one is taken. */
function touched(operations: readonly RequestOp[]): Touched {
  const puts = new Set<string>();
  const deletions: KeyRange[] = [];
  const add = (key: string): void => {
    if (puts.has(key) || deletions.some((range) => isWithin(range, key))) throw refusal("duplicateKey");
    puts.add(key);
  };
  for (const { request } of operations) {
    if (request.case !== "requestDeleteRange") continue;
    const range = keyRange(request.value.key, request.value.rangeEnd);
    // etcd overlooks those without an end.
    if (range.to !== undefined) deletions.push(range);
  }
  for (const { request } of operations) {
    if (request.case !== "requestTxn") continue;
    const success = touched(request.value.success);
    const failure = touched(request.value.failure);
    for (const key of success.puts) add(key);
    for (const key of failure.puts) if (!success.puts.has(key)) add(key);
    deletions.push(...success.deletions, ...failure.deletions);
  }
  for (const { request } of operations) if (request.case === "requestPut") add(keyText(request.value.key));
  return { puts, deletions };
}
