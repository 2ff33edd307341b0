import { type DescFile, type DescMessage, getOption, hasOption, ScalarType } from "@bufbuild/protobuf";
import { EmptySchema } from "@bufbuild/protobuf/wkt";
import {
  Access,
  Delivery,
  handler,
  type Method,
  method as methodOption,
  Order,
  policy as policyOption,
  remote,
  session,
} from "../gen/nano/options_pb.ts";
import { errorCodes } from "./error-codes.ts";
import { findMessage, lowerFirst, type MethodModel, type ServiceModel, sessionName } from "./model.ts";
import { means, written } from "./policy.ts";
import { position } from "./position.ts";

/** Takes what is wrong: where, and what, with how to write it. */
type Report = (where: string, what: string) => void;

const lifecycle: ReadonlySet<string> = new Set(["init", "afterInit", "beforeShutdown", "shutdown"]);
// A generated client is awaited, printed and compared like any object.
const reserved: ReadonlySet<string> = new Set([
  "then",
  "constructor",
  "toString",
  "valueOf",
  "toJSON",
  "hasOwnProperty",
  "__proto__",
]);
const maxRouteBytes = 255;

/** Throws an Error that lists everything that is wrong, a line each: `file:line:column: what is wrong, and how to write it`. */
export function checkSchema(files: readonly DescFile[], services: readonly ServiceModel[]): void {
  const problems: string[] = [];
  const report: Report = (where, what) => void problems.push(`${where}: ${what}`);
  for (const file of files) checkFile(file, report);
  for (const service of services) checkService(service, report);
  checkRoutes(services, report);
  if (problems.length > 0) throw new Error(problems.join("\n"));
}

function checkFile(file: DescFile, report: Report): void {
  const name = sessionName(file);
  if (name !== "" && !findMessage(file, name)) {
    report(position(file, session.number), `(nano.session) names "${name}", which is no message of this package or its imports`);
  }
  for (const desc of file.services) {
    if (hasOption(desc, handler) && hasOption(desc, remote)) {
      report(position(desc, remote.number), `${desc.name} is both (nano.handler) and (nano.remote): make it two services`);
    }
    if (hasOption(desc, handler) || hasOption(desc, remote)) continue;
    for (const method of desc.methods) {
      if (hasOption(method, methodOption)) {
        report(
          position(method, methodOption.number),
          `${desc.name} is neither (nano.handler) nor (nano.remote): give it one, with its server`,
        );
      }
    }
  }
  const names = new Map<string, string>();
  for (const desc of file.services) {
    const short = desc.name.replace(/(?<=.)Service$/, "");
    const other = names.get(short);
    if (other !== undefined) report(position(desc), `${desc.name} and ${other} would both be printed as ${short}: rename one`);
    names.set(short, desc.name);
  }
}

function checkService(service: ServiceModel, report: Report): void {
  const { desc, kind, server } = service;
  const at = position(desc, kind === "handler" ? handler.number : remote.number);
  if (!/^[a-z][A-Za-z0-9]*$/.test(server)) {
    report(at, `${desc.name} needs the type of its server, in lowerCamelCase: option (nano.${kind}).server = "room"`);
  }
  const kinds = kind === "handler" ? (["request", "notify", "push"] as const) : (["remote"] as const);
  for (const option of service.defaults ? written(service.defaults) : []) {
    if (option.name === "route") report(at, `a route belongs to one method: write it in (nano.method)`);
    else if (!kinds.some((one) => means(one, option.name))) {
      report(at, `${option.name} means nothing for any method of a ${kind}: leave it out of the defaults`);
    }
  }
  if (service.defaults) checkValues(service.defaults, at, report);
  for (const method of service.methods) checkMethod(service, method, report);
}

function checkMethod(service: ServiceModel, method: MethodModel, report: Report): void {
  const { desc, kind, own, policy } = method;
  const here = position(desc);
  const at = position(desc, methodOption.number);
  checkShape(service, method, here, report);
  checkName(service, method, here, report);
  for (const option of own ? written(own) : []) {
    if (!means(kind, option.name)) report(at, `${option.name} means nothing on a ${kind}: ${desc.name} cannot have it`);
  }
  if (own) checkValues(own, at, report);
  checkRouting(method, at, report);
  if (kind === "push") checkPush(method, at, report);
  else checkAdmission(service, method, at, report);
  const codes = new Set<string>();
  for (const error of policy.errors) {
    if (!errorCodes.has(error.code)) report(at, `"${error.code}" is none of the sixteen codes: ${[...errorCodes].join(", ")}`);
    if (codes.has(error.code)) report(at, `the error ${error.code} is declared twice: one code has one detail`);
    codes.add(error.code);
    if (error.detail !== "" && !findMessage(desc.parent.file, error.detail)) {
      report(at, `the detail "${error.detail}" of ${error.code} is no message of this package or its imports`);
    }
  }
}

function checkShape(service: ServiceModel, { desc }: MethodModel, at: string, report: Report): void {
  const { methodKind, name, input, output } = desc;
  if (service.kind === "remote" && methodKind !== "unary") {
    report(at, `${name} streams, but servers only ask: rpc ${name}(${input.name}) returns (${output.name})`);
  } else if (methodKind === "bidi_streaming") {
    report(at, `${name} streams both ways: make it a notify (stream in, Empty out) and a push (Empty in, stream out)`);
  } else if (methodKind === "client_streaming" && output.typeName !== EmptySchema.typeName) {
    report(at, `a notify has no answer: rpc ${name}(stream ${input.name}) returns (google.protobuf.Empty)`);
  } else if (methodKind === "server_streaming" && input.typeName !== EmptySchema.typeName) {
    report(at, `a push asks for nothing: rpc ${name}(google.protobuf.Empty) returns (stream ${output.name})`);
  }
}

function checkName(service: ServiceModel, { desc, kind }: MethodModel, at: string, report: Report): void {
  const local = desc.localName;
  if (kind !== "push" && lifecycle.has(local)) {
    report(
      at,
      `${desc.name} would be taken for the hook ${local}(): rename the rpc, and set its route to keep what clients call`,
    );
  }
  if (reserved.has(lowerFirst(desc.name)))
    report(at, `${desc.name} is a name that JavaScript gives a meaning: rename the rpc, and set its route`);
  if (kind === "push" && service.methods.some((one) => one.kind !== "push" && one.desc.localName === `on${desc.name}`)) {
    report(at, `clients hear ${desc.name} by on${desc.name}(), which is a method too: rename one`);
  }
}

function checkValues(options: Method, at: string, report: Report): void {
  if (options.timeoutMs === 0) report(at, "timeout_ms is at least 1: leave it out for the default of 5000");
  if (options.maxBytes === 0) report(at, "max_bytes is at least 1: leave it out for the server's limit");
  if (options.maxConcurrent === 0) report(at, "max_concurrent is at least 1: leave it out for the default of 16");
  if (options.limit && options.limit.perSecond === 0) report(at, "limit needs a rate: limit: {per_second: 10}");
}

function checkRouting({ desc, policy }: MethodModel, at: string, report: Report): void {
  const { routeBy } = policy;
  if (routeBy.case === "key") {
    const problem = keyProblem(desc.input, routeBy.value);
    if (problem) report(at, problem);
  } else if (policy.own) report(at, 'own is said of a key: add key: "field"');
  if (policy.maxConcurrent !== undefined && policy.order !== Order.CONCURRENT) {
    report(at, "max_concurrent is said of methods with order: ORDER_CONCURRENT");
  }
}

function checkAdmission(service: ServiceModel, method: MethodModel, at: string, report: Report): void {
  const { policy, desc } = method;
  if (policy.access === Access.PUBLIC && policy.roles.length > 0) {
    report(at, `who has a role is a user: ${desc.name} cannot be ACCESS_PUBLIC and ask for roles`);
  }
  const { file } = desc.parent;
  if (
    service.kind === "remote" ||
    policy.access ||
    !hasOption(file, policyOption) ||
    !getOption(file, policyOption).requireAccess
  )
    return;
  report(position(desc), `the package asks for an access word: ${desc.name} needs access: ACCESS_BOUND or ACCESS_PUBLIC`);
}

function checkPush({ desc, policy }: MethodModel, at: string, report: Report): void {
  if (policy.latestBy === undefined) return;
  if (policy.delivery !== Delivery.LATEST) report(at, "latest_by is said of pushes with delivery: DELIVERY_LATEST");
  const problem = keyProblem(desc.output, policy.latestBy);
  if (problem) report(at, problem);
}

/** Why a field cannot be a key, if so: keys are texts, integers and enums. */
function keyProblem(message: DescMessage, name: string): string | undefined {
  const field = message.fields.find((one) => one.name === name);
  if (!field)
    return `${message.name} has no field "${name}" to route by: write one of ${message.fields.map((one) => one.name).join(", ")}`;
  if (field.fieldKind === "enum") return undefined;
  const fractional = field.scalar === ScalarType.DOUBLE || field.scalar === ScalarType.FLOAT || field.scalar === ScalarType.BYTES;
  if (field.fieldKind === "scalar" && !fractional) return undefined;
  return `the field "${name}" of ${message.name} cannot be a key: keys are strings, integers and enums`;
}

function checkRoutes(services: readonly ServiceModel[], report: Report): void {
  const taken = new Map<string, string>();
  for (const { desc, methods } of services) {
    for (const method of methods) {
      const { route } = method;
      const at = position(method.desc, methodOption.number);
      if (new TextEncoder().encode(route).length > maxRouteBytes)
        report(at, `the route of ${method.desc.name} has over ${maxRouteBytes} bytes: set a shorter one`);
      if (/[\s\p{Cc}]/u.test(route)) report(at, `the route "${route}" has blanks or control characters: leave them out`);
      if (route.startsWith("nano.")) report(at, `routes that begin with "nano." are nano's own: choose another`);
      const other = taken.get(route);
      if (other !== undefined) report(at, `the route "${route}" is ${other}'s already: set another by (nano.method).route`);
      taken.set(route, `${desc.typeName}.${method.desc.name}`);
    }
  }
}
