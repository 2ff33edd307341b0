import type { JsonValue } from "@bufbuild/protobuf";

/** A value of a spec: what it is, and what it says; `$store.NAME`, `$util.uuid` and, in `store`, `$response...` stand for others. */
export interface SpecValue {
  readonly type: string;
  readonly value: JsonValue | SpecFields | readonly SpecValue[];
}

export interface SpecFields {
  readonly [name: string]: SpecValue;
}

/** What a part of an answer must be. */
export type SpecExpectation = SpecValue & {
  /** How the part stands to the value. The default is `eq`. */
  readonly op?: Comparison;
};

export const comparisons = ["eq", "ne", "lt", "lte", "gt", "gte", "contains", "matches", "exists"] as const;
export type Comparison = (typeof comparisons)[number];

/** One thing that a bot does. */
export interface SpecOperation {
  readonly type: "request" | "notify" | "listen" | "function";
  readonly uri: string;
  /** Of `listen`, and of the function `sleep`, in milliseconds. */
  readonly timeout?: number;
  readonly args?: SpecFields;
  /** By path: `$response.players[0].name`. */
  readonly expect?: { readonly [path: string]: SpecExpectation };
  readonly store?: SpecFields;
  /** What the whole answer must look like, as JSON Schema. */
  readonly schema?: JsonSchema;
}

/** The words of JSON Schema that are known. */
export interface JsonSchema {
  readonly type?: string;
  readonly properties?: { readonly [name: string]: JsonSchema };
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly enum?: readonly JsonValue[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly pattern?: string;
}

/** What is done before a user begins, or when it is through. */
export interface SpecHook {
  readonly function: string;
  readonly args?: { readonly [name: string]: JsonValue };
}

/** What pitaya-bot reads: one kind of user, and what it does, one after the other. */
export interface Spec {
  readonly name: string;
  readonly numberOfInstances: number;
  readonly sequentialOperations: readonly SpecOperation[];
  /** What the users begin with, as `$store`. */
  readonly store: { readonly [name: string]: JsonValue };
  readonly preRun: SpecHook | undefined;
  readonly postRun: SpecHook | undefined;
}
