import type { DescFile } from "@bufbuild/protobuf";
import { type Method, MethodSchema } from "../gen/nano/options_pb.ts";
import { errorCodes } from "./error-codes.ts";
import { findMessage, fullName } from "./model.ts";
import type { Place } from "./position.ts";
import type { Report } from "./report.ts";

const { roles, timeoutMs, maxBytes, maxConcurrent, limit, errors, route } = MethodSchema.field;

/** Checks what a method that says nothing gets, where a package or a service says it. */
export function checkDefaults(options: Method, file: DescFile, at: Place, report: Report): void {
  if (options.route !== "") report(at(route.number), "a route belongs to one method: write it in (nano.method)");
  checkOptions(options, file, at, report);
}

/** Checks the values of options, wherever they are written. */
export function checkOptions(options: Method, file: DescFile, at: Place, report: Report): void {
  if (options.roles.includes("")) report(at(roles.number), 'a role has a name: roles: "admin"');
  if (options.timeoutMs === 0) report(at(timeoutMs.number), "timeout_ms is at least 1: leave it out for the default of 5000");
  if (options.maxBytes === 0) report(at(maxBytes.number), "max_bytes is at least 1: leave it out for the server's limit");
  if (options.maxConcurrent === 0) {
    report(at(maxConcurrent.number), "max_concurrent is at least 1: leave it out for the default of 16");
  }
  if (options.limit?.perSecond === 0) report(at(limit.number), "limit needs a rate: limit: {per_second: 10}");
  const codes = new Set<string>();
  for (const [index, { code, detail }] of options.errors.entries()) {
    const here = at(errors.number, index);
    if (!errorCodes.has(code)) report(here, `"${code}" is no code of an error: write one of ${[...errorCodes].join(", ")}`);
    if (codes.has(code)) report(here, `the error ${code} is declared twice: one code has one detail, so write it once`);
    codes.add(code);
    if (detail !== "" && !findMessage(file, detail)) {
      report(
        here,
        `the detail "${detail}" of ${code} is no message of this package or its imports: write "${fullName(file, "Name")}"`,
      );
    }
  }
}
