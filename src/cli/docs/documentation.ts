import { createRegistry, type DescMessage, type JsonValue, toBinary, toJson } from "@bufbuild/protobuf";
import { createValidator } from "@bufbuild/protovalidate";
import { findMessage, type MethodModel, type ServiceModel } from "../../../plugin/model.ts";
import { type RuleModel, ruleModel } from "../../../plugin/rule-model.ts";
import { type Code, isCode, NanoError } from "../../error/index.ts";
import { type Image, reachable } from "../image/image.ts";
import { exampleOf } from "./example.ts";
import { type WorstCase, worstCase } from "./worst-case.ts";

/** What is told of a schema. */
export interface Documentation {
  readonly title: string;
  readonly version: string;
  readonly services: readonly ServiceModel[];
  /** Every message that goes over the wire, and all that those hold, but for protobuf's own: in the order in which they are met. */
  readonly messages: readonly MessageModel[];
  readonly rules: RuleModel;
}

/** One message, measured. */
export interface MessageModel {
  readonly desc: DescMessage;
  readonly example: JsonValue;
  /** What the example has against the message's rules; undefined where nothing. */
  readonly exampleFlaw: string | undefined;
  readonly sizes: Sizes;
}

/** How many bytes the body of a message has. */
export interface Sizes {
  /** The example, in protobuf. */
  readonly typical: number;
  /** The example, in JSON. */
  readonly typicalJson: number;
  /** In protobuf. */
  readonly worst: WorstCase;
}

/** What is to be told. */
export interface DocumentationOptions {
  readonly title?: string | undefined;
  readonly version?: string | undefined;
  /** The package whose services are told of. The default is every one. */
  readonly package?: string | undefined;
  /** Whether remotes are left out. */
  readonly clientsOnly?: boolean;
}

/** Reads what is told of an image. */
export function documentationOf(image: Image, options: DocumentationOptions = {}): Documentation {
  const services = image.services.filter(
    ({ desc, kind }) =>
      (options.package === undefined || desc.file.proto.package === options.package) &&
      !(options.clientsOnly && kind === "remote"),
  );
  const packages = [...new Set(services.map(({ desc }) => desc.file.proto.package))];
  const version = packages.length === 1 ? /(?:^|\.)(v\d\w*)$/.exec(packages[0] ?? "")?.[1] : undefined;
  return {
    title: options.title ?? packages.join(", "),
    version: options.version ?? version ?? "0",
    services,
    messages: messagesOf(services).map(measuring(image)),
    rules: ruleModel(image.files, services),
  };
}

/** What a client or server sends to a method; undefined where nothing is in it. */
export function askedWith({ desc, kind }: MethodModel): DescMessage | undefined {
  return kind === "push" || isEmpty(desc.input) ? undefined : desc.input;
}

/** What comes back, or is pushed; undefined where nothing is in it. */
export function answeredWith({ desc, kind }: MethodModel): DescMessage | undefined {
  return kind === "notify" || isEmpty(desc.output) ? undefined : desc.output;
}

/** An error that a method declares. */
export interface ErrorModel {
  readonly code: Code;
  readonly detail: DescMessage | undefined;
  readonly retryable: boolean;
}

/** The errors that a method declares, defaults filled in. */
export function errorsOf({ desc, policy }: MethodModel): ErrorModel[] {
  return policy.errors.flatMap(({ code, detail, retryable }) => {
    if (!isCode(code)) return [];
    const usual = new NanoError({ code, message: "" }).retryable;
    return [{ code, detail: detail === "" ? undefined : findMessage(desc.parent.file, detail), retryable: retryable ?? usual }];
  });
}

/** Whether a message is one of protobuf's own. */
export function isWellKnown({ typeName }: DescMessage): boolean {
  return typeName.startsWith("google.protobuf.");
}

function isEmpty({ typeName }: DescMessage): boolean {
  return typeName === "google.protobuf.Empty";
}

function messagesOf(services: readonly ServiceModel[]): DescMessage[] {
  const sent = services.flatMap(({ methods }) =>
    methods.flatMap((method) => [askedWith(method), answeredWith(method), ...errorsOf(method).map(({ detail }) => detail)]),
  );
  return [...reachable(...sent.filter((desc) => desc !== undefined)).values()].filter((desc) => !isWellKnown(desc));
}

function measuring({ files }: Image): (desc: DescMessage) => MessageModel {
  const registry = createRegistry(...files);
  const validator = createValidator({ registry });
  return (desc) => {
    const message = exampleOf(desc);
    const example = toJson(desc, message, { registry });
    const checked = validator.validate(desc, message);
    return {
      desc,
      example,
      exampleFlaw: checked.kind === "valid" ? undefined : checked.error.message,
      sizes: {
        typical: toBinary(desc, message).length,
        typicalJson: Buffer.byteLength(JSON.stringify(example)),
        worst: worstCase(desc),
      },
    };
  };
}
