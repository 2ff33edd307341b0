import type { Error as DeclaredError } from "../../../gen/nano/options_pb.ts";
import { fullName, type MethodModel } from "../../../plugin/model.ts";
import { optionAt } from "./compare-policy.ts";
import type { Note } from "./finding.ts";

/** What a method answers with where it fails. */
export function compareErrors(name: string, was: MethodModel, is: MethodModel, note: Note): void {
  const at = optionAt(is, "errors");
  const [old, now] = [errorsOf(was), errorsOf(is)];
  for (const [code, { detail, retryable }] of old) {
    const other = now.get(code);
    if (!other) {
      note(
        "mayBreak",
        "ERROR_REMOVED",
        at,
        `${name} does not declare ${code} any more: clients that look for it are told something else`,
      );
      continue;
    }
    if (detail !== other.detail) {
      const words = `the detail of ${code} of ${name} was ${detail || "none"} and is ${other.detail || "none"}`;
      if (detail === "") note("safe", "ERROR_DETAIL_ADDED", at, words);
      else note("mayBreak", "ERROR_DETAIL_CHANGED", at, `${words}: clients that look for it find none`);
    }
    if (retryable !== other.retryable) {
      note(
        "safe",
        "ERROR_RETRYABLE_CHANGED",
        at,
        `${code} of ${name} says otherwise whether to try again: clients that were shipped go by what they know`,
      );
    }
  }
  for (const code of now.keys()) {
    // Each of the sixteen codes may come at any time; what is declared is only told with its type.
    if (!old.has(code))
      note("safe", "ERROR_ADDED", at, `${name} declares ${code}: to clients that were shipped it is an error without a type`);
  }
}

function errorsOf({ policy, desc }: MethodModel): ReadonlyMap<string, Pick<DeclaredError, "detail" | "retryable">> {
  return new Map(policy.errors.map(({ code, detail, retryable }) => [code, { detail: named(desc, detail), retryable }] as const));
}

// A detail may be named in short or in full.
function named(desc: MethodModel["desc"], detail: string): string {
  return detail === "" || detail.includes(".") ? detail : fullName(desc.parent.file, detail);
}
