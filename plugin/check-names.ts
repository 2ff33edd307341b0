import { MethodSchema, method as methodOption } from "../gen/nano/options_pb.ts";
import type { MethodModel, ServiceModel } from "./model.ts";
import { errorName, listenerName, lowerFirst } from "./names.ts";
import { position } from "./position.ts";
import type { Report } from "./report.ts";

const lifecycle: ReadonlySet<string> = new Set(["init", "afterInit", "beforeShutdown", "shutdown", "onRelease"]);

// Implementations, callers and clients are objects: awaited, printed and compared like any other.
const meaningful: ReadonlySet<string> = new Set(["then", "toJSON", ...Object.getOwnPropertyNames(Object.prototype)]);

const maxRouteBytes = 255;

/** Checks that the names which are printed for the services of one file do not meet. */
export function checkNames(services: readonly ServiceModel[], report: Report): void {
  const shorts = new Map<string, string>();
  const errors = new Map<string, string>();
  for (const { name, desc, methods } of services) {
    const other = shorts.get(name);
    if (other !== undefined) report(position(desc), `${desc.name} and ${other} would both be printed as ${name}: rename one`);
    shorts.set(name, desc.name);
    checkMembers(methods, report);
    if (other !== undefined) continue;
    for (const method of methods) {
      if (method.policy.errors.length === 0) continue;
      const type = errorName(method.desc);
      const rpc = `${desc.name}.${method.desc.name}`;
      const before = errors.get(type);
      if (before !== undefined) {
        report(position(method.desc), `the errors of ${rpc} and ${before} would both be printed as ${type}: rename one`);
      }
      errors.set(type, rpc);
    }
  }
}

/** What implements or calls a service is one object, and its listeners stand beside its methods. */
function checkMembers(methods: readonly MethodModel[], report: Report): void {
  const members = new Map<string, string>();
  const locals = new Map<string, string>();
  for (const { desc, kind } of methods) {
    const { name, localName } = desc;
    const at = position(desc);
    if (kind !== "push" && lifecycle.has(localName)) {
      report(
        at,
        `${name} would be taken for the hook ${localName}(): rename the rpc, and set its route to keep what clients call`,
      );
    }
    if (meaningful.has(lowerFirst(name))) {
      report(
        at,
        `${name} is a name that JavaScript gives a meaning: rename the rpc, and set its route to keep what clients call`,
      );
    }
    const twin = locals.get(localName);
    if (twin !== undefined) report(at, `${name} and ${twin} would both be printed as ${localName}: rename one`);
    locals.set(localName, name);
    const member = kind === "push" ? listenerName(desc) : localName;
    const other = members.get(member);
    if (other !== undefined && twin === undefined) {
      report(at, `clients would find both ${name} and ${other} as ${member}: rename one`);
    }
    members.set(member, name);
  }
}

/** Checks the route texts of all services: whole, short enough, and no two alike. */
export function checkRoutes(services: readonly ServiceModel[], report: Report): void {
  const taken = new Map<string, string>();
  for (const service of services) {
    for (const { desc, route } of service.methods) {
      const at = position(desc, methodOption.number, MethodSchema.field.route.number);
      if (new TextEncoder().encode(route).length > maxRouteBytes) {
        report(at, `the route of ${desc.name} has over ${maxRouteBytes} bytes: set a shorter one by (nano.method).route`);
      }
      if (/[\s\p{Cc}]/u.test(route)) report(at, `the route "${route}" has blanks or control characters: leave them out`);
      if (route.startsWith("nano.")) report(at, `the route "${route}" begins with "nano.", which is nano's own: choose another`);
      const other = taken.get(route);
      if (other !== undefined) report(at, `the route "${route}" is ${other}'s already: set another by (nano.method).route`);
      taken.set(route, `${service.desc.typeName}.${desc.name}`);
    }
  }
}
