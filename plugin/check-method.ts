import { type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { EmptySchema } from "@bufbuild/protobuf/wkt";
import { Access, Delivery, MethodSchema, method as methodOption, Order } from "../gen/nano/options_pb.ts";
import { checkOptions } from "./check-options.ts";
import type { MethodModel, ServiceModel } from "./model.ts";
import { means, written } from "./policy.ts";
import { type Place, position } from "./position.ts";
import type { Report } from "./report.ts";

const fields = MethodSchema.field;

/** Checks the shape of a method, what it says of itself, and what that comes to with the defaults. */
export function checkMethod(service: ServiceModel, method: MethodModel, report: Report): void {
  const { desc, kind, own } = method;
  const at: Place = (...fields) => position(desc, methodOption.number, ...fields);
  checkShape(service, method, report);
  if (own) {
    for (const { name, number } of written(own)) {
      if (!means(kind, name)) report(at(number), `${name} means nothing on a ${kind}: leave it out of ${desc.name}`);
    }
    checkOptions(own, desc.parent.file, at, report);
  }
  if (kind === "push") return checkPush(method, at, report);
  checkRouting(method, at, report);
  checkAdmission(service, method, at, report);
}

function checkShape({ kind }: ServiceModel, { desc }: MethodModel, report: Report): void {
  const { methodKind, name, input, output } = desc;
  const at = position(desc);
  if (kind === "remote" && methodKind !== "unary") {
    report(at, `${name} streams, but servers only ask: rpc ${name}(${input.name}) returns (${output.name})`);
  } else if (methodKind === "bidi_streaming") {
    report(at, `${name} streams both ways: make it a notify (stream in, Empty out) and a push (Empty in, stream out)`);
  } else if (methodKind === "client_streaming" && output.typeName !== EmptySchema.typeName) {
    report(at, `a notify has no answer: rpc ${name}(stream ${input.name}) returns (google.protobuf.Empty)`);
  } else if (methodKind === "server_streaming" && input.typeName !== EmptySchema.typeName) {
    report(at, `a push asks for nothing: rpc ${name}(google.protobuf.Empty) returns (stream ${output.name})`);
  }
}

function checkRouting({ desc, policy }: MethodModel, at: Place, report: Report): void {
  const { routeBy, own, order, maxConcurrent } = policy;
  if (routeBy.case === "key") checkKey(desc.input, routeBy.value, "to route by", at(fields.key.number), report);
  else if (own) report(at(fields.own.number), 'own is said of a key: add key: "field"');
  if (maxConcurrent !== undefined && order !== Order.CONCURRENT) {
    report(at(fields.maxConcurrent.number), "max_concurrent is said of messages side by side: add order: ORDER_CONCURRENT");
  }
}

function checkAdmission(service: ServiceModel, { desc, policy }: MethodModel, at: Place, report: Report): void {
  if (policy.access === Access.PUBLIC && policy.roles.length > 0) {
    report(
      at(fields.roles.number),
      `who has a role is a user, so ${desc.name} cannot be ACCESS_PUBLIC: write access: ACCESS_BOUND, or no roles`,
    );
  }
  if (service.kind === "handler" && service.packagePolicy?.requireAccess && !policy.access) {
    report(position(desc), `the package asks for an access word: ${desc.name} needs access: ACCESS_BOUND or ACCESS_PUBLIC`);
  }
}

function checkPush({ desc, policy }: MethodModel, at: Place, report: Report): void {
  const { delivery, latestBy } = policy;
  if (latestBy === undefined) return;
  if (delivery !== Delivery.LATEST)
    report(at(fields.latestBy.number), "latest_by is said of the newest push: add delivery: DELIVERY_LATEST");
  checkKey(desc.output, latestBy, "to tell pushes apart by", at(fields.latestBy.number), report);
}

function checkKey(message: DescMessage, name: string, purpose: string, at: string, report: Report): void {
  if (keysOf(message).includes(name)) return;
  const choice = keysOf(message).length > 0 ? `write one of ${keysOf(message).join(", ")}` : "give it one";
  if (message.fields.some((field) => field.name === name)) {
    report(at, `the field "${name}" of ${message.name} is no string, bytes, integer, bool or enum ${purpose}: ${choice}`);
  } else {
    report(at, `${message.name} has no field "${name}" ${purpose}: ${choice}`);
  }
}

/** The fields whose value can be a key. */
function keysOf(message: DescMessage): string[] {
  const never: readonly (ScalarType | undefined)[] = [ScalarType.DOUBLE, ScalarType.FLOAT];
  return message.fields
    .filter(({ fieldKind, scalar }) => fieldKind === "enum" || (fieldKind === "scalar" && !never.includes(scalar)))
    .map(({ name }) => name);
}
