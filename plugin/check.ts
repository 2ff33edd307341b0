import { type DescFile, getOption, hasOption } from "@bufbuild/protobuf";
import {
  HandlerSchema,
  handler,
  method as methodOption,
  PolicySchema,
  policy as policyOption,
  RemoteSchema,
  remote,
  session,
} from "../gen/nano/options_pb.ts";
import { checkMethod } from "./check-method.ts";
import { checkNames, checkRoutes } from "./check-names.ts";
import { checkDefaults } from "./check-options.ts";
import { checkRules } from "./check-rules.ts";
import { findMessage, fullName, type ServiceModel, sessionName } from "./model.ts";
import { means, written } from "./policy.ts";
import { type Place, position } from "./position.ts";
import type { Report } from "./report.ts";
import type { RuleModel } from "./rule-model.ts";

/** Throws an Error that lists everything that is wrong, a line each: `file:line:column: what is wrong, and how to write it`. */
export function checkSchema(files: readonly DescFile[], services: readonly ServiceModel[], rules: RuleModel): void {
  const problems: string[] = [];
  const report: Report = (where, what) => void problems.push(`${where}: ${what}`);
  checkPolicies(files, report);
  for (const file of files) {
    checkFile(file, report);
    checkNames(
      services.filter(({ desc }) => desc.file === file),
      report,
    );
  }
  for (const service of services) checkService(service, report);
  checkRoutes(services, report);
  checkRules(services, rules, report);
  if (problems.length > 0) throw new Error(problems.join("\n"));
}

function checkPolicies(files: readonly DescFile[], report: Report): void {
  const said = new Map<string, DescFile>();
  for (const file of files) {
    if (!hasOption(file, policyOption)) continue;
    const { number } = policyOption;
    const { defaults } = getOption(file, policyOption);
    const atDefaults: Place = (...fields) => position(file, number, PolicySchema.field.defaults.number, ...fields);
    if (defaults) checkDefaults(defaults, file, atDefaults, report);
    const other = said.get(file.proto.package);
    if (other)
      report(position(file, number), `${other.name}.proto says (nano.policy) for the package already: write one of the two`);
    said.set(file.proto.package, file);
  }
}

function checkFile(file: DescFile, report: Report): void {
  const name = sessionName(file);
  if (name !== "" && !findMessage(file, name)) {
    report(
      position(file, session.number),
      `(nano.session) names "${name}", which is no message of this package or its imports: write "${fullName(file, "Name")}"`,
    );
  } else if (name !== "" && !file.services.some((desc) => hasOption(desc, handler))) {
    report(position(file, session.number), "(nano.session) is said of a file's handlers, and this file has none: leave it out");
  }
  for (const desc of file.services) {
    const isHandler = hasOption(desc, handler);
    const isRemote = hasOption(desc, remote);
    if (isHandler && isRemote) {
      report(position(desc, remote.number), `${desc.name} is both (nano.handler) and (nano.remote): make it two services`);
    }
    if (isHandler || isRemote) continue;
    for (const method of desc.methods) {
      if (!hasOption(method, methodOption)) continue;
      report(
        position(method, methodOption.number),
        `${desc.name} is neither (nano.handler) nor (nano.remote): give it one, with its server`,
      );
    }
  }
}

function checkService(service: ServiceModel, report: Report): void {
  const { desc, kind, server, defaults } = service;
  const [{ number }, { field }] = kind === "handler" ? [handler, HandlerSchema] : [remote, RemoteSchema];
  if (!/^[a-z][A-Za-z0-9]*$/.test(server)) {
    report(
      position(desc, number, field.server.number),
      `${desc.name} needs the type of its server, in lowerCamelCase: option (nano.${kind}).server = "room"`,
    );
  }
  if (defaults) {
    const at: Place = (...fields) => position(desc, number, field.defaults.number, ...fields);
    checkDefaults(defaults, desc.file, at, report);
    const kinds = kind === "handler" ? (["request", "notify", "push"] as const) : (["remote"] as const);
    for (const option of written(defaults)) {
      if (kinds.some((one) => means(one, option.name))) continue;
      report(at(option.number), `${option.name} means nothing for any method of a ${kind}: leave it out of the defaults`);
    }
  }
  for (const method of service.methods) checkMethod(service, method, report);
}
