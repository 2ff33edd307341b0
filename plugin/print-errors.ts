import type { GeneratedFile, Printable } from "@bufbuild/protoplugin";
import type { Error as ErrorOption } from "../gen/nano/options_pb.ts";
import { findMessage, type MethodModel } from "./model.ts";
import { errorName } from "./names.ts";
import { printCodec } from "./print-codec.ts";

/** Prints how a method fails, where it declares errors: every one of them, and all others. */
export function printErrorType(f: GeneratedFile, door: string, { desc, policy }: MethodModel): void {
  if (policy.errors.length === 0) return;
  const declared = policy.errors.map(({ code, detail }): Printable => {
    const message = detail === "" ? undefined : findMessage(desc.parent.file, detail);
    return [f.import("DeclaredError", door, true), `<"${code}"`, message ? [", ", f.importShape(message)] : [], "> | "];
  });
  f.print(f.jsDoc(`How ${desc.parent.typeName}.${desc.name} fails.`));
  f.print`${f.export("type", errorName(desc))} = ${declared}${f.import("UndeclaredError", door, true)};`;
  f.print();
}

/** The type of a call: what it answers, and how it fails where it says so. */
export function callType(f: GeneratedFile, door: string, { desc, policy }: MethodModel): Printable {
  const errors = policy.errors.length > 0 ? `, ${errorName(desc)}` : "";
  return [f.import("Call", door, true), "<", f.importShape(desc.output), errors, ">"];
}

/** The entry of a method's table for the errors that it declares. Clients know an error without a word about it as `null`. */
export function errorsEntry(f: GeneratedFile, door: string, { desc, policy }: MethodModel, print: PrintError): Printable {
  const entries = policy.errors.map((error, at): Printable => {
    const message = error.detail === "" ? undefined : findMessage(desc.parent.file, error.detail);
    return [at > 0 ? ", " : "", error.code, ": ", print(message && printCodec(f, door, message), error)];
  });
  return ["errors: { ", entries, " }"];
}

/** Prints one declared error: the codec of its detail, and what it says. */
export type PrintError = (detail: Printable | undefined, error: ErrorOption) => Printable;
