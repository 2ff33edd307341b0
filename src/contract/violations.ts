import { create } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { type FieldPath, type FieldPathElement, type Violation, ViolationsSchema } from "../../gen/buf/validate/validate_pb.ts";
import { NanoError, unpackDetail } from "../error/index.ts";

/** One rule of the schema that a message breaks. */
export interface FieldViolation {
  /** As "items[2].name", by the names of the .proto; empty where the rule is of the whole message. */
  readonly field: string;
  /** As "string.min_len". */
  readonly rule: string;
  /** Words for a developer. */
  readonly message: string;
}

const mostInWords = 3;

/** The error about a message that breaks rules: `invalid_argument`, with `buf.validate.Violations` as its detail. */
export function violationsError(violations: readonly Violation[]): NanoError {
  const words = violations.slice(0, mostInWords).map((one) => {
    const { field, rule, message } = plain(one);
    return `${field === "" ? "" : `${field}: `}${message || rule}`;
  });
  const more = violations.length - words.length;
  return new NanoError({
    code: "invalid_argument",
    message: `${words.join("; ")}${more > 0 ? `; and ${more} more` : ""}`,
    detail: anyPack(ViolationsSchema, create(ViolationsSchema, { violations: [...violations] })),
  });
}

/** Which rules of the schema a call failed by; none where it failed for another reason. */
export function violationsOf(error: unknown): readonly FieldViolation[] {
  if (!(error instanceof NanoError)) return [];
  const found = unpackDetail(error.detail, ViolationsSchema);
  // Where a method declares `invalid_argument` by itself, what came is the cause.
  return found ? found.violations.map(plain) : violationsOf(error.cause);
}

function plain({ field, ruleId, message }: Violation): FieldViolation {
  return { field: pathText(field), rule: ruleId, message };
}

function pathText(path: FieldPath | undefined): string {
  return (path?.elements ?? []).map((element) => `${element.fieldName}${subscript(element)}`).join(".");
}

function subscript({ subscript: { case: kind, value } }: FieldPathElement): string {
  if (kind === undefined) return "";
  return `[${kind === "stringKey" ? JSON.stringify(value) : value}]`;
}
