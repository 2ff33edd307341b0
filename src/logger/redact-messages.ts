import { type DescField, type DescMessage, isMessage, type Message } from "@bufbuild/protobuf";
import { type ReflectList, type ReflectMap, type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import { derivedLogger } from "./derived-logger.ts";
import type { Logger } from "./logger.ts";
import { readable } from "./readable.ts";

const redacted = "[redacted]";
const mostDepth = 4;

/**
 * A logger that shows messages without the fields that the schema marks with `debug_redact`, and without their bytes.
 *
 * @param find The schema of a message by its name. One that is not known is not shown at all.
 */
export function redactMessages(log: Logger, find: (typeName: string) => DescMessage | undefined): Logger {
  function shown(value: unknown, depth: number): unknown {
    if (typeof value !== "object" || value === null || depth > mostDepth) return value;
    if (isMessage(value)) return shownMessage(value, find(value.$typeName));
    if (Array.isArray(value)) return value.map((one) => shown(one, depth + 1));
    const isPlain = Object.getPrototypeOf(value) === Object.prototype || Object.getPrototypeOf(value) === null;
    return isPlain ? all(value, depth) : value;
  }

  function all(fields: object, depth: number): object {
    return Object.fromEntries(Object.entries(readable(fields)).map(([name, value]) => [name, shown(value, depth + 1)]));
  }

  return derivedLogger(log, (fields) => all(fields, 0));
}

function shownMessage(message: Message, schema: DescMessage | undefined): unknown {
  if (!schema) return `[${message.$typeName}]`;
  try {
    return fieldsOf(reflect(schema, message));
  } catch {
    return "[unreadable]";
  }
}

function fieldsOf(message: ReflectMessage): object {
  const set = message.fields.filter((field) => message.isSet(field));
  return Object.fromEntries(
    set.map((field) => [field.localName, field.proto.options?.debugRedact ? redacted : shownField(field, message.get(field))]),
  );
}

function shownField(field: DescField, value: unknown): unknown {
  // What `get` gives is of the field's own kind.
  if (field.fieldKind === "list") return [...(value as ReflectList)].map(shownValue);
  if (field.fieldKind === "map")
    return Object.fromEntries([...(value as ReflectMap)].map(([key, one]) => [key, shownValue(one)]));
  return shownValue(value);
}

function shownValue(value: unknown): unknown {
  if (value instanceof Uint8Array) return `[${value.length} bytes]`;
  return typeof value === "object" && value !== null && "desc" in value ? fieldsOf(value as ReflectMessage) : value;
}
