import type { DescEnum, DescMessage } from "@bufbuild/protobuf";
import type { MethodModel, ServiceModel } from "../../../plugin/model.ts";
import { policyTable } from "../../../plugin/policy-table.ts";
import { wordsOf } from "../image/source.ts";
import { answeredWith, askedWith, type Documentation, errorsOf, isWellKnown } from "./documentation.ts";
import { enumSection, messageSection } from "./markdown-message.ts";
import { link, markdownTable } from "./markdown-table.ts";

const preamble = `Made from the schema by \`nano-cli docs\`. Sizes are those of a message's body, in bytes: *typical* is the example's, *worst case* the most that its rules let it have
in protobuf. Rules are checked of what comes to servers; \`bytes\` of a method, and the limits of a server bound what is unbounded here.`;

/** What is told of a schema, as a page of Markdown. */
export function markdownOf(documentation: Documentation): string {
  const { title, version, services, messages, rules } = documentation;
  const enums = enumsOf(messages.map(({ desc }) => desc));
  return `${[
    `# ${title}`,
    `Version ${version}. ${preamble}`,
    ...services.flatMap((service) => [
      ...serviceHead(service),
      policyTable(service.methods, rules),
      ...service.methods.flatMap(methodSection),
    ]),
    ...(messages.length > 0 ? ["## Messages", ...messages.flatMap(messageSection)] : []),
    ...(enums.length > 0 ? ["## Enums", ...enums.flatMap(enumSection)] : []),
  ].join("\n\n")}\n`;
}

function serviceHead({ desc, kind, server }: ServiceModel): string[] {
  const who = kind === "handler" ? "Clients call it" : "Servers call it";
  return [
    `## ${desc.name}`,
    `${who}; servers of the type \`${server}\` answer. In the schema \`${desc.typeName}\`.${old(desc)}`,
    ...words(wordsOf(desc)),
  ];
}

function methodSection(method: MethodModel): string[] {
  const { desc, kind, route, policy, idempotent } = method;
  const address = kind === "remote" ? `/${desc.parent.typeName}/${desc.name}` : route;
  const promise = { no: "", idempotent: " Idempotent.", no_side_effects: " Has no side effects." }[idempotent];
  const [asked, answered] = [askedWith(method), answeredWith(method)];
  const parts = [
    kind === "push" ? undefined : `takes ${nameOf(asked)}`,
    kind === "notify" ? undefined : `${kind === "push" ? "brings" : "answers"} ${nameOf(answered)}`,
  ];
  return [
    `### ${address}`,
    `A ${kind}; ${parts.filter((part) => part !== undefined).join(", ")}.${promise}${old(desc)}`,
    ...words(wordsOf(desc)),
    ...(policy.errors.length === 0 ? [] : [errorTable(method)]),
  ];
}

function errorTable(method: MethodModel): string {
  const rows = errorsOf(method).map(({ code, detail, retryable }) => [
    code,
    detail ? nameOf(detail) : "",
    retryable ? "yes" : "no",
  ]);
  return markdownTable(["error", "detail", "trying again may help"], rows);
}

function nameOf(desc: DescMessage | undefined): string {
  if (!desc) return "nothing";
  return isWellKnown(desc) ? `\`${desc.typeName}\`` : link(desc.typeName);
}

function enumsOf(messages: readonly DescMessage[]): DescEnum[] {
  const found = new Map<string, DescEnum>();
  for (const { fields } of messages) for (const field of fields) if (field.enum) found.set(field.enum.typeName, field.enum);
  return [...found.values()].filter(({ typeName }) => !typeName.startsWith("google.protobuf."));
}

function old({ deprecated }: { readonly deprecated: boolean }): string {
  return deprecated ? " **Deprecated.**" : "";
}

function words(comment: string): string[] {
  return comment === "" ? [] : [comment];
}
