import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { getComments } from "@bufbuild/protoplugin";
import { Access, Delivery, Order } from "../gen/nano/options_pb.ts";
import type { MethodModel } from "./model.ts";
import { localName } from "./names.ts";

/** The comment of the .proto, what the policy says in words, and where it was generated from. */
export function commentOf(desc: DescService | DescMethod, policy: readonly string[] = []): string {
  const { leading = "", trailing = "" } = getComments(desc);
  const source = desc.kind === "service" ? `service ${desc.typeName}` : `rpc ${desc.parent.typeName}.${desc.name}`;
  const old = desc.deprecated || (desc.kind === "service" && desc.file.deprecated);
  return [unindent(leading), unindent(trailing), policy.join("\n"), `@generated from ${source}${old ? "\n@deprecated" : ""}`]
    .filter((part) => part !== "")
    .join("\n\n");
}

/** A comment without the blank that follows `//`, without blanks at the ends of lines, without what it says to buf, and without empty lines around it. */
function unindent(comment: string): string {
  const lines = comment.replaceAll(/^ /gm, "").replaceAll(/[ \t]+$/gm, "");
  return lines
    .replaceAll(/^buf:lint:ignore .*\n?/gm, "")
    .replace(/^\n+/, "")
    .trimEnd();
}

/** What the policy of a method says, in sentences. */
export function policyWords(method: MethodModel): string[] {
  const { policy, kind, idempotent } = method;
  if (kind === "push") return pushWords(method);
  const sentences: string[] = [];
  if (policy.access === Access.PUBLIC) sentences.push("Public.");
  if (policy.roles.length > 0) sentences.push(`For the role ${policy.roles.map((role) => `\`${role}\``).join(" or ")}.`);
  sentences.push(...routingWords(method));
  if (policy.timeoutMs !== undefined) sentences.push(`${policy.timeoutMs} ms.`);
  if (policy.limit)
    sentences.push(`At most ${policy.limit.perSecond} a second${policy.limit.burst ? `, ${policy.limit.burst} at once` : ""}.`);
  if (policy.maxBytes !== undefined) sentences.push(`At most ${policy.maxBytes} bytes.`);
  if (policy.order === Order.CONCURRENT)
    sentences.push(`Side by side${policy.maxConcurrent ? `, at most ${policy.maxConcurrent}` : ""}.`);
  if (kind === "remote" && idempotent === "no_side_effects")
    sentences.push("Has no side effects, so it is tried again elsewhere.");
  if (kind === "remote" && idempotent === "idempotent") sentences.push("Idempotent, so it is tried again elsewhere.");
  if (kind === "request" && idempotent !== "no") sentences.push("Idempotent: clients ask again when their session was reset.");
  const lines = sentences.length > 0 ? [sentences.join(" ")] : [];
  if (policy.errors.length > 0) {
    const codes = policy.errors.map((error) => `\`${error.code}\``).join(", ");
    lines.push(`Answers with the error${policy.errors.length > 1 ? "s" : ""} ${codes}.`);
  }
  return lines;
}

function routingWords({ kind, policy, desc }: MethodModel): string[] {
  const { routeBy, own } = policy;
  if (routeBy.case === "key") {
    const field = localName(desc.input, routeBy.value);
    return [own ? `Goes to the one home of \`${field}\`.` : `Goes to the server that owns \`${field}\`.`];
  }
  if (routeBy.case === "sticky" && routeBy.value) return ["Goes to the server that answered the session before."];
  return kind === "remote" ? ["Goes to any."] : [];
}

function pushWords({ policy, desc }: MethodModel): string[] {
  if (policy.delivery === Delivery.DROPPABLE) return ["Goes first when a connection is full."];
  if (policy.delivery !== Delivery.LATEST) return [];
  return [
    policy.latestBy ? `Of each \`${localName(desc.output, policy.latestBy)}\` only the newest waits.` : "Only the newest waits.",
  ];
}
