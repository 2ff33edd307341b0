import { Access, Delivery, Order } from "../gen/nano/options_pb.ts";
import type { MethodModel } from "./model.ts";
import { localName } from "./names.ts";
import type { RuleModel } from "./rule-model.ts";

// Method over service over package, and where nobody says anything, what the server does.
const defaults = { timeoutMs: 5_000, maxConcurrent: 16 };
const columns = ["rpc", "kind", "for", "a second", "bytes", "ms", "order", "goes to", "rules", "errors"];

/** Everything that holds for the methods of a service, defaults filled in: a table in Markdown, a line a method. */
export function policyTable(methods: readonly MethodModel[], rules: RuleModel): string {
  const rows = methods.map((method) => cellsOf(method, rules).map((cell) => cell.replaceAll("|", "\\|")));
  return [columns, columns.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

function cellsOf(method: MethodModel, rules: RuleModel): string[] {
  const { desc, kind, policy } = method;
  if (kind === "push") return [desc.name, kind, "", "", "", "", deliveryOf(method), "", "", ""];
  const asked = kind === "remote";
  return [
    desc.name,
    kind,
    asked ? "servers" : whoOf(method),
    policy.limit ? `${policy.limit.perSecond}, ${policy.limit.burst || policy.limit.perSecond} at once` : "",
    policy.maxBytes === undefined ? "" : `${policy.maxBytes}`,
    `${policy.timeoutMs ?? defaults.timeoutMs}`,
    asked ? "" : orderOf(method),
    targetOf(method),
    rulesOf(method, rules),
    policy.errors.map(({ code }) => code).join(", "),
  ];
}

function whoOf({ policy: { access, roles } }: MethodModel): string {
  if (access === Access.PUBLIC) return "everyone";
  return roles.length > 0 ? roles.join(" or ") : "users";
}

function orderOf({ policy: { order, maxConcurrent } }: MethodModel): string {
  return order === Order.CONCURRENT ? `${maxConcurrent ?? defaults.maxConcurrent} side by side` : "serial";
}

function targetOf({ desc, policy: { routeBy, own } }: MethodModel): string {
  if (routeBy.case === "key") return `${own ? "the home" : "the owner"} of ${localName(desc.input, routeBy.value)}`;
  return routeBy.case === "sticky" && routeBy.value ? "the server before" : "any";
}

function rulesOf({ desc, policy }: MethodModel, rules: RuleModel): string {
  if (!rules.hasRules(desc.input)) return "";
  return policy.validate === false ? "not checked" : "checked";
}

function deliveryOf({ desc, policy: { delivery, latestBy } }: MethodModel): string {
  if (delivery === Delivery.DROPPABLE) return "droppable";
  if (delivery !== Delivery.LATEST) return "replay";
  return latestBy ? `latest of ${localName(desc.output, latestBy)}` : "latest";
}
