import type { MethodModel } from "../../../plugin/model.ts";
import { errorsOf } from "./documentation.ts";

/** How a method fails: those of the codes that it declares first, with their details, and then any. */
export function errorMessageOf(method: MethodModel): Readonly<Record<string, unknown>> {
  const declared = errorsOf(method).map(({ code, detail, retryable }) => ({
    title: code,
    allOf: [{ $ref: "#/components/schemas/nano.Error" }],
    properties: {
      code: { const: code },
      ...(detail ? { details: { type: "array", items: { allOf: [{ $ref: `#/components/schemas/${detail.typeName}` }] } } } : {}),
    },
    "x-nano-retryable": retryable,
  }));
  return {
    name: "error",
    payload:
      declared.length === 0
        ? { $ref: "#/components/schemas/nano.Error" }
        : { anyOf: [...declared, { $ref: "#/components/schemas/nano.Error" }] },
  };
}
