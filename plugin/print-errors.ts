import type { GeneratedFile, Printable } from "@bufbuild/protoplugin";
import type { Error as ErrorOption } from "../gen/nano/options_pb.ts";
import { findMessage, type MethodModel } from "./model.ts";
import { errorName } from "./names.ts";
import { reflectedCodecs } from "./print-codec.ts";

/** Prints how a method fails, where it declares errors: every one of them, and all others. */
export function printErrorType(f: GeneratedFile, door: string, { desc, policy }: MethodModel): void {
  if (policy.errors.length === 0) return;
  const declared = policy.errors.map(({ code, detail }): Printable => {
    const message = detail === "" ? undefined : findMessage(desc.parent.file, detail);
    return [f.import("DeclaredError", door, true), `<"${code}"`, message ? [", ", f.importShape(message)] : "", ">"];
  });
  const union: Printable[] = [...declared, f.import("UndeclaredError", door, true)];
  f.print(f.jsDoc(`How ${desc.parent.typeName}.${desc.name} fails.`));
  const long = union.length > 3;
  const type = union.map((one, at): Printable => (long ? ["\n  | ", one] : [at > 0 ? " | " : " ", one]));
  f.print`${f.export("type", errorName(desc))} =${type};`;
  f.print();
}

/** The type of a call: what it answers, and how it fails where it says so. */
export function callType(f: GeneratedFile, door: string, { desc, policy }: MethodModel): Printable {
  const errors = policy.errors.length > 0 ? `, ${errorName(desc)}` : "";
  return [f.import("Call", door, true), "<", f.importShape(desc.output), errors, ">"];
}

/** The entry of a table for the errors that a method declares: in one line where they say nothing, else a line each. */
export function errorsEntry(
  f: GeneratedFile,
  door: string,
  { desc, policy }: MethodModel,
  indent: string,
  print: PrintError,
): Printable {
  const codec = reflectedCodecs(f, door);
  const bare = policy.errors.every(({ detail, retryable }) => detail === "" && retryable === undefined);
  const entries = policy.errors.map((error, at): Printable => {
    const message = error.detail === "" ? undefined : findMessage(desc.parent.file, error.detail);
    const entry = [error.code, ": ", print(message && codec(message), error)];
    return bare ? [at > 0 ? ", " : " ", entry] : [`\n${indent}  `, entry, ","];
  });
  return ["errors: {", entries, bare ? " }" : `\n${indent}}`];
}

/** Prints one declared error: the codec of its detail, and what it says. */
export type PrintError = (detail: Printable | undefined, error: ErrorOption) => Printable;
