import { type DescEnum, type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { isWrapperDesc } from "@bufbuild/protobuf/wkt";
import { type Rules, rulesOf } from "../../rules/index.ts";
import { wordsOf } from "../image/source.ts";
import { isWellKnown } from "./documentation.ts";
import { boundsOf } from "./json-schema-bounds.ts";

/** A JSON Schema, draft 7. */
export type JsonSchema = { readonly [key: string]: unknown };

/** The JSON Schema of a message as protobuf writes it in JSON, with its rules as far as JSON Schema has them. */
export function schemaOf(desc: DescMessage): JsonSchema {
  const required = desc.fields.filter((field) => rulesOf(field).required).map(({ jsonName }) => jsonName);
  const comment = wordsOf(desc);
  return {
    type: "object",
    ...(comment === "" ? {} : { description: comment }),
    properties: Object.fromEntries(desc.fields.map((field) => [field.jsonName, fieldSchema(field)])),
    ...(required.length === 0 ? {} : { required }),
  };
}

/** Of a message: a reference to the schema that stands under its name, or what protobuf's own are in JSON. */
export function schemaFor(desc: DescMessage, rules?: Rules): JsonSchema {
  const [value] = desc.fields;
  if (isWrapperDesc(desc) && value?.scalar) return scalarSchema(value.scalar, rules);
  if (isWellKnown(desc)) return wellKnownSchemas[desc.typeName] ?? { type: "object" };
  return { $ref: `#/components/schemas/${desc.typeName}` };
}

function fieldSchema(field: DescField): JsonSchema {
  const description = [wordsOf(field), field.oneof ? `One of ${field.oneof.name}.` : ""]
    .filter((part) => part !== "")
    .join("\n\n");
  const words = { ...(description === "" ? {} : { description }), ...(field.deprecated ? { deprecated: true } : {}) };
  const schema = unworded(field, rulesOf(field));
  if (Object.keys(words).length === 0) return schema;
  // What stands beside a reference does not count.
  return "$ref" in schema ? { allOf: [schema], ...words } : { ...schema, ...words };
}

function unworded(field: DescField, rules: Rules): JsonSchema {
  switch (field.fieldKind) {
    case "list":
      return { type: "array", items: valueSchema(field, rules.of("items")), ...boundsOf("array", rules) };
    case "map":
      return { type: "object", additionalProperties: valueSchema(field, rules.of("values")), ...boundsOf("object", rules) };
    default:
      return valueSchema(field, rules);
  }
}

function valueSchema(field: DescField, rules: Rules): JsonSchema {
  if (field.enum) return enumSchema(field.enum);
  return field.message ? schemaFor(field.message, rules) : scalarSchema(field.scalar ?? ScalarType.STRING, rules);
}

function enumSchema({ typeName, values }: DescEnum): JsonSchema {
  if (typeName === "google.protobuf.NullValue") return { type: "null" };
  return { type: "string", enum: values.map(({ name }) => name) };
}

function scalarSchema(type: ScalarType, rules?: Rules): JsonSchema {
  switch (type) {
    case ScalarType.BOOL:
      return { type: "boolean" };
    case ScalarType.STRING:
      return { type: "string", ...boundsOf("string", rules) };
    case ScalarType.BYTES:
      return { type: "string", contentEncoding: "base64" };
    case ScalarType.FLOAT:
    case ScalarType.DOUBLE: {
      const number = { type: "number", ...boundsOf("number", rules) };
      return rules?.value("finite") === true ? number : { anyOf: [number, { enum: ["NaN", "Infinity", "-Infinity"] }] };
    }
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return { type: "string", pattern: "^-?[0-9]+$" };
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return { type: "string", pattern: "^[0-9]+$" };
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return { type: "integer", minimum: 0, ...boundsOf("number", rules) };
    default:
      return { type: "integer", ...boundsOf("number", rules) };
  }
}

const wellKnownSchemas: Readonly<Record<string, JsonSchema>> = {
  "google.protobuf.Timestamp": { type: "string", format: "date-time" },
  "google.protobuf.Duration": { type: "string", pattern: "^-?[0-9]+(\\.[0-9]+)?s$" },
  "google.protobuf.FieldMask": { type: "string" },
  "google.protobuf.Any": { type: "object", properties: { "@type": { type: "string" } } },
  "google.protobuf.Value": {},
  "google.protobuf.ListValue": { type: "array" },
};
