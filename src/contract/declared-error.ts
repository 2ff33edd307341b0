import { anyPack } from "@bufbuild/protobuf/wkt";
import { NanoError, unpackDetail } from "../error/index.ts";
import type { MethodPolicy } from "./policy.ts";

/** Something thrown by a method, its detail packed to travel where the method declares it. A detail that is not declared stays behind. */
export function packDeclared(errors: MethodPolicy["errors"], reason: unknown): unknown {
  if (!(reason instanceof NanoError) || !reason.detail) return reason;
  const schema = errors?.[reason.code]?.detail?.schema;
  const { code, message, metadata, retryable, detail } = reason;
  const packed = schema && schema.typeName === detail.$typeName ? anyPack(schema, detail) : undefined;
  return new NanoError({ code, message, metadata, retryable, detail: packed, cause: reason });
}

/**
 * A failure as the caller of a method sees it: marked as declared, its detail unpacked, where the method declares its code. Without the detail that
 * is declared with it (the server gave the code by itself, as for a limit) it is not: who switches over declared errors finds their details there.
 */
export function unpackDeclared(errors: MethodPolicy["errors"], reason: unknown): NanoError {
  const error = NanoError.from(reason);
  const declared = errors?.[error.code];
  if (!declared) return error;
  const { code, message, metadata } = error;
  const detail = declared.detail && unpackDetail(error.detail, declared.detail.schema);
  if (declared.detail && !detail) return error;
  return new NanoError({ code, message, metadata, detail, declared: true, retryable: declared.retryable, cause: reason });
}
