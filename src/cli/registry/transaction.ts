import { create } from "@bufbuild/protobuf";
import {
  type DeleteRangeRequest,
  type PutRequest,
  type RequestOp,
  type ResponseOp,
  ResponseOpSchema,
  type TxnRequest,
} from "../../../gen/etcd/api/etcdserverpb/rpc_pb.ts";
import type { KeyValue } from "../../../gen/etcd/api/mvccpb/kv_pb.ts";
import { holds } from "./compare.ts";
import { refusal } from "./etcd-refusal.ts";
import { keyRange } from "./key-range.ts";
import type { View, Writer } from "./key-store.ts";
import type { Leases } from "./leases.ts";
import { readRange } from "./range-request.ts";

/** A transaction of which it is known which way it goes: all comparisons see what was before it. */
export interface Plan {
  readonly succeeded: boolean;
  readonly steps: readonly Step[];
}

interface Step {
  readonly request: RequestOp["request"];
  /** Of a transaction within. */
  readonly plan?: Plan;
}

/** Compares. */
export function planTransaction(view: View, request: TxnRequest): Plan {
  const succeeded = request.compare.every((compare) => holds(view, compare));
  const steps = (succeeded ? request.success : request.failure).map(({ request: step }): Step => {
    return step.case === "requestTxn" ? { request: step, plan: planTransaction(view, step.value) } : { request: step };
  });
  return { succeeded, steps };
}

/** @throws Where a step of it would fail: then nothing is done. */
export function checkPlan(view: View & { readonly compacted: bigint }, leases: Leases, plan: Plan): void {
  const steps = [...stepsOf(plan)];
  for (const { request } of steps) {
    if (request.case !== "requestPut") continue;
    checkKept(view, request.value);
    checkLease(leases, request.value);
  }
  for (const { request } of steps) {
    if (request.case !== "requestRange" || request.value.revision === 0n) continue;
    if (request.value.revision > view.revision) throw refusal("futureRevision");
    if (request.value.revision < view.compacted) throw refusal("compacted");
  }
}

function* stepsOf(plan: Plan): Iterable<Step> {
  for (const step of plan.steps) {
    yield step;
    if (step.plan) yield* stepsOf(step.plan);
  }
}

/** @throws Where a put keeps the value or the lease of a key that is not there. */
export function checkKept(view: View, { key, ignoreValue, ignoreLease }: PutRequest): void {
  if ((ignoreValue || ignoreLease) && !findOne(view, key)) throw refusal("keyNotFound");
}

/** @throws Where a put names a lease that is not there. */
export function checkLease(leases: Leases, { lease }: PutRequest): void {
  if (lease !== 0n && !leases.has(lease)) throw refusal("leaseNotFound");
}

/** What a put gives. */
interface Done {
  readonly prevKv?: KeyValue;
}

/** Puts a key. It has been checked. */
export function put(writer: Writer, request: PutRequest): Done {
  const { key, value, lease, ignoreValue, ignoreLease } = request;
  const before = findOne(writer, key);
  writer.put(key, ignoreValue && before ? before.value : value, ignoreLease && before ? before.lease : lease);
  return request.prevKv && before ? { prevKv: before } : {};
}

/** What a deletion gives. */
interface Gone {
  readonly deleted: bigint;
  readonly prevKvs: KeyValue[];
}

/** Deletes a range. */
export function deleteRange(writer: Writer, request: DeleteRangeRequest): Gone {
  const gone = writer.delete(keyRange(request.key, request.rangeEnd));
  return { deleted: BigInt(gone.length), prevKvs: request.prevKv ? [...gone] : [] };
}

/** What a transaction gives. */
interface Outcome {
  readonly succeeded: boolean;
  readonly responses: ResponseOp[];
}

/** Does what a plan says. It has been checked. */
export function runPlan(writer: Writer, plan: Plan): Outcome {
  return { succeeded: plan.succeeded, responses: plan.steps.map((step) => runStep(writer, step)) };
}

// In the headers within there is nothing but the revision, and of transactions not even that.
function runStep(writer: Writer, { request, plan }: Step): ResponseOp {
  const header = (): { readonly revision: bigint } => ({ revision: writer.revision });
  switch (request.case) {
    case "requestRange": {
      const value = { ...readRange(writer, request.value), header: header() };
      return create(ResponseOpSchema, { response: { case: "responseRange", value } });
    }
    case "requestPut": {
      const value = { ...put(writer, request.value), header: header() };
      return create(ResponseOpSchema, { response: { case: "responsePut", value } });
    }
    case "requestDeleteRange": {
      const value = { ...deleteRange(writer, request.value), header: header() };
      return create(ResponseOpSchema, { response: { case: "responseDeleteRange", value } });
    }
    default: {
      const value = { ...(plan && runPlan(writer, plan)), header: {} };
      return create(ResponseOpSchema, { response: { case: "responseTxn", value } });
    }
  }
}

function findOne(view: View, key: Uint8Array): KeyValue | undefined {
  return view.find(keyRange(key, new Uint8Array()))[0];
}
