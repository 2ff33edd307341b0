import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { type ListValue, NullValue, type Struct, type Value } from "@bufbuild/protobuf/wkt";
import { setEntry } from "./map-entry.ts";

/** JSON that is only read. */
export type JsonInit = string | number | boolean | null | readonly JsonInit[] | { readonly [key: string]: JsonInit };

/** The message of what stands in a field of google.protobuf.Struct; of nothing where that is undefined. */
export function structMessage(json: { readonly [key: string]: JsonInit } | undefined): Struct {
  const fields: Struct["fields"] = {};
  if (isObject(json)) for (const [key, value] of Object.entries(json)) setEntry(fields, key, valueMessage(value));
  return { $typeName: "google.protobuf.Struct", fields };
}

/** What stands in a field of google.protobuf.Struct. */
export function structJson({ fields }: Struct): JsonObject {
  const json: JsonObject = {};
  for (const [key, value] of Object.entries(fields)) setEntry(json, key, valueJson(value));
  return json;
}

function valueMessage(json: JsonInit): Value {
  return { $typeName: "google.protobuf.Value", kind: kindOf(json) };
}

/** What is no JSON is nothing, as to protobuf-es. */
function kindOf(json: JsonInit): Value["kind"] {
  if (typeof json === "number") return { case: "numberValue", value: json };
  if (typeof json === "string") return { case: "stringValue", value: json };
  if (typeof json === "boolean") return { case: "boolValue", value: json };
  if (typeof json !== "object") return { case: undefined };
  if (json === null) return { case: "nullValue", value: NullValue.NULL_VALUE };
  return isObject(json) ? { case: "structValue", value: structMessage(json) } : { case: "listValue", value: listMessage(json) };
}

function listMessage(json: readonly JsonInit[]): ListValue {
  return { $typeName: "google.protobuf.ListValue", values: Array.from(json, valueMessage) };
}

function valueJson({ kind }: Value): JsonValue {
  if (kind.case === "structValue") return structJson(kind.value);
  if (kind.case === "listValue") return kind.value.values.map(valueJson);
  return kind.case === undefined || kind.case === "nullValue" ? null : kind.value;
}

function isObject(json: JsonInit | undefined): json is { readonly [key: string]: JsonInit } {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}
