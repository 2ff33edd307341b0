import { create } from "@bufbuild/protobuf";
import { ErrorSchema } from "../../gen/nano/client/v1/client_pb.ts";
import type { Answer } from "../../gen/nano/cluster/v1/link_pb.ts";
import { fromWireError, type NanoError } from "../error/index.ts";
import type { FrameBody, Outcome } from "./link.ts";
import { unavailable } from "./unavailable.ts";

/** The frame that says what became of a call. */
export function answerBody(call: bigint, outcome: Outcome): FrameBody {
  return { case: "answer", value: { $typeName: "nano.cluster.v1.Answer", call, outcome } };
}

/** What is said in place of an answer that the link does not carry. */
export function tooLargeAnswer(call: bigint): FrameBody {
  const error = { code: "resource_exhausted", msg: "the answer is larger than the link carries" };
  return answerBody(call, { case: "error", value: create(ErrorSchema, error) });
}

/** What an answer tells who has asked. */
export function outcomeOf({ outcome }: Answer): Outcome | NanoError {
  if (outcome.case === undefined) return unavailable("the answer is empty");
  return outcome.case === "error" ? fromWireError(outcome.value) : outcome;
}
