import type { DescMessage } from "@bufbuild/protobuf";
import type { MethodModel, ServiceModel } from "../../../plugin/model.ts";
import { codes } from "../../error/index.ts";
import { wordsOf } from "../image/source.ts";
import { errorMessageOf } from "./asyncapi-errors.ts";
import { policyOf } from "./asyncapi-policy.ts";
import { answeredWith, askedWith, type Documentation, isWellKnown, type MessageModel } from "./documentation.ts";
import { type JsonSchema, schemaFor, schemaOf } from "./json-schema.ts";

type Part = Readonly<Record<string, unknown>>;

/**
 * What is told of a schema, as a document of AsyncAPI 3.0, from the servers' side: they receive requests and notifies, and send pushes. Each
 * method is a channel, whose address is its route. Payloads are protobuf's JSON.
 */
export function asyncApiOf({ title, version, services, messages }: Documentation): Part {
  const methods = services.flatMap((service) => service.methods.map((method) => ({ service, method })));
  return {
    asyncapi: "3.0.0",
    info: {
      title,
      version,
      description:
        "Made from the schema by `nano-cli docs`. Clients and servers send protobuf, or its JSON, which is shown here. `x-nano` is what the schema promises, `x-nano-bytes` the size of a body.",
    },
    defaultContentType: "application/json",
    channels: Object.fromEntries(methods.map(({ method }) => [nameOf(method), channelOf(method)])),
    operations: Object.fromEntries(methods.map(({ service, method }) => [nameOf(method), operationOf(service, method)])),
    components: {
      messages: {
        ...Object.fromEntries(messages.map((message) => [message.desc.typeName, messageOf(message)])),
        ...wellKnown(methods),
      },
      schemas: {
        ...Object.fromEntries(messages.map(({ desc }) => [desc.typeName, schemaOf(desc)])),
        "nano.Error": errorSchema,
      },
    },
  };
}

function nameOf({ desc }: MethodModel): string {
  return `${desc.parent.typeName}.${desc.name}`;
}

const emptyMessage = "google.protobuf.Empty";

function channelOf(method: MethodModel): Part {
  const { desc, kind, route } = method;
  const names = [
    ...(kind === "push" ? [] : [nameIn(askedWith(method))]),
    ...(kind === "notify" ? [] : [nameIn(answeredWith(method))]),
  ];
  const refs = Object.fromEntries(names.map((name) => [name, { $ref: `#/components/messages/${name}` }]));
  return {
    address: kind === "remote" ? `/${desc.parent.typeName}/${desc.name}` : route,
    messages: answers(method) ? { ...refs, error: errorMessageOf(method) } : refs,
  };
}

function operationOf({ server }: ServiceModel, method: MethodModel): Part {
  const { desc, kind } = method;
  const comment = wordsOf(desc);
  const channel = `#/channels/${nameOf(method)}`;
  const message = (name: string): Part => ({ $ref: `${channel}/messages/${name}` });
  return {
    action: kind === "push" ? "send" : "receive",
    channel: { $ref: channel },
    ...(comment === "" ? {} : { description: comment }),
    messages: [message(nameIn(kind === "push" ? answeredWith(method) : askedWith(method)))],
    ...(answers(method)
      ? { reply: { channel: { $ref: channel }, messages: [message(nameIn(answeredWith(method))), message("error")] } }
      : {}),
    "x-nano": policyOf(server, method),
  };
}

function answers({ kind }: MethodModel): boolean {
  return kind === "request" || kind === "remote";
}

function nameIn(desc: DescMessage | undefined): string {
  return desc?.typeName ?? emptyMessage;
}

function messageOf({ desc, example, exampleFlaw, sizes }: MessageModel): Part {
  const comment = wordsOf(desc);
  return {
    name: desc.typeName,
    ...(comment === "" ? {} : { description: comment }),
    payload: { $ref: `#/components/schemas/${desc.typeName}` },
    ...(exampleFlaw === undefined ? { examples: [{ name: "typical", payload: example }] } : {}),
    "x-nano-bytes": sizes,
  };
}

/** Those of protobuf's own messages that methods take or answer themselves. */
function wellKnown(methods: readonly { readonly method: MethodModel }[]): Part {
  const used = methods
    .flatMap(({ method }) => [askedWith(method), answeredWith(method)])
    .filter((desc) => desc && isWellKnown(desc));
  const named = used.flatMap((desc) =>
    desc ? [[desc.typeName, { name: desc.typeName, payload: schemaFor(desc) }] as const] : [],
  );
  return { ...Object.fromEntries(named), [emptyMessage]: { name: emptyMessage, payload: { type: "object" } } };
}

const errorSchema: JsonSchema = {
  type: "object",
  description: "The body of an error answer.",
  properties: {
    code: { type: "string", enum: codes },
    msg: { type: "string", description: "Words for a developer." },
    metadata: { type: "object", additionalProperties: { type: "string" } },
    details: { type: "array", items: { type: "object", properties: { "@type": { type: "string" } } } },
  },
  required: ["code"],
};
