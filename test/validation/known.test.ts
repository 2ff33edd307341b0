// What a frontend checks before it sends a message on: by printed code, where it has that, as the library would.
import { clone, create, createFileRegistry, type DescMessage, toBinary } from "@bufbuild/protobuf";
import {
  FieldDescriptorProto_Type,
  FieldDescriptorProtoSchema,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { createEdgeCheck, type EdgeCheck } from "../../src/frontend/edge-check.ts";
import { NanoError, violationsOf } from "../../src/index.ts";
import { packSchema, type RouteInfo, readSchema, type ServerSchema } from "../../src/route/index.ts";
import { createKnownChecks, createValidation, type Validation } from "../../src/validation/index.ts";
import { RulesHandler } from "../schema/gen/rules/v1/rules_nano.ts";
import { EveryRequestSchema, file_rules_v1_rules } from "../schema/gen/rules/v1/rules_pb.ts";
import { every } from "./every.ts";

/** A validation that tells whom it was asked about. */
function told(): { readonly validation: Validation; readonly asked: string[] } {
  const validation = createValidation();
  const asked: string[] = [];
  return {
    asked,
    validation: {
      checkOf(schema, said) {
        asked.push(schema.typeName);
        return validation.checkOf(schema, said);
      },
      ready: () => validation.ready(),
    },
  };
}

let schema: ServerSchema;
let printed: EdgeCheck;
let library: EdgeCheck;
const { validation, asked } = told();

beforeAll(async () => {
  // As another server sends it.
  const { hash, gzip } = packSchema([RulesHandler]);
  schema = readSchema(hash, gzip);
  printed = createEdgeCheck(validation, createKnownChecks([RulesHandler]));
  library = createEdgeCheck(createValidation(), createKnownChecks([]));
  await printed.prepare(schema);
  await library.prepare(schema);
});

function route(name: string): RouteInfo {
  const info = schema.routes.get(name);
  if (!info) throw new Error(`no route ${name}`);
  return info;
}

/** What is wrong, in all that clients see of it. */
function shown(refusal: unknown): unknown {
  if (refusal === undefined) return undefined;
  const { code, message } = NanoError.from(refusal);
  return [code, message, violationsOf(refusal)];
}

describe("the check of a frontend that knows a service's printed code", () => {
  test("asks the library only about messages with rules that are not printed", () => {
    expect([...new Set(asked)].sort()).toEqual(["rules.v1.DivideRequest", "rules.v1.MailRequest"]);
  });

  test("refuses what the library refuses, in its words, and lets the rest pass", () => {
    const info = route("rules.rules.every");
    let refused = 0;
    fc.assert(
      fc.property(every, (init) => {
        const body = toBinary(EveryRequestSchema, create(EveryRequestSchema, init));
        const found = shown(printed.refusal(info, body));
        expect(found).toEqual(shown(library.refusal(info, body)));
        if (found !== undefined) refused++;
      }),
      { numRuns: 300 },
    );
    expect(refused).toBeGreaterThan(0);
  });

  test("refuses malformed bytes as it does, whatever they are", () => {
    const change = fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }));
    const info = route("rules.rules.every");
    fc.assert(
      fc.property(every, fc.array(change, { maxLength: 4 }), (init, changes) => {
        const body = toBinary(EveryRequestSchema, create(EveryRequestSchema, init));
        for (const [place, byte] of changes) if (body.length > 0) body[place % body.length] = byte;
        expect(shown(printed.refusal(info, body))).toEqual(shown(library.refusal(info, body)));
      }),
      { numRuns: 500 },
    );
  });

  test("is the library's where the other server has another version of the schema", async () => {
    // The same, with a field more.
    const changed = clone(FileDescriptorProtoSchema, file_rules_v1_rules.proto);
    const later = { name: "later", jsonName: "later", number: 99, type: FieldDescriptorProto_Type.STRING, label: 1 };
    const ask = changed.messageType.find(({ name }) => name === "AskRequest");
    ask?.field.push(create(FieldDescriptorProtoSchema, later));
    const imported = file_rules_v1_rules.dependencies.map(({ proto }) => proto);
    const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: [...imported, changed] }));
    const input = registry.getMessage("rules.v1.AskRequest") as DescMessage;
    const { validation: other, asked: askedAbout } = told();
    const check = createEdgeCheck(other, createKnownChecks([RulesHandler]));
    check.refusal({ ...route("rules.rules.ask"), input }, new Uint8Array(0));
    expect(askedAbout).toEqual(["rules.v1.AskRequest"]);
  });
});
