import { ScalarType } from "@bufbuild/protobuf";
import type { GeneratedFile } from "@bufbuild/protoplugin";
import { scalarName, type Value } from "./codec-model.ts";

/** How many bytes a number may have on the wire; undefined of what has no bound. */
export function bytesOf(value: Value): number | undefined {
  return "message" in value ? undefined : bytes[value.scalar];
}

/** Whether a number is put there by its bytes, or by a view that knows its type. */
export function placedIn(value: Value): "buffer" | "data" {
  return "message" in value || !fixed.has(value.scalar) ? "buffer" : "data";
}

/** Prints the bytes of a tag, where `buffer` has room at `at`. */
export function printTag(f: GeneratedFile, indent: string, tag: number): void {
  let rest = tag;
  for (; rest > 0x7f; rest >>>= 7) f.print`${indent}buffer[at++] = ${(rest & 0x7f) | 0x80};`;
  f.print`${indent}buffer[at++] = ${rest};`;
}

/** Prints what puts a number at `at`. */
export function printPut(f: GeneratedFile, door: string, indent: string, value: Value, expression: string): void {
  if ("message" in value) return;
  f.print`${indent}at = ${f.import(`put${scalarName(value.scalar)}`, door)}(${placedIn(value)}, at, ${expression});`;
}

const fixed: ReadonlySet<ScalarType> = new Set([
  ScalarType.FIXED32,
  ScalarType.SFIXED32,
  ScalarType.FLOAT,
  ScalarType.FIXED64,
  ScalarType.SFIXED64,
  ScalarType.DOUBLE,
]);

const bytes: { readonly [scalar in ScalarType]?: number } = {
  [ScalarType.BOOL]: 1,
  [ScalarType.UINT32]: 5,
  [ScalarType.SINT32]: 5,
  // A negative one has the sign of 64 bits.
  [ScalarType.INT32]: 10,
  [ScalarType.INT64]: 10,
  [ScalarType.UINT64]: 10,
  [ScalarType.SINT64]: 10,
  [ScalarType.FIXED32]: 4,
  [ScalarType.SFIXED32]: 4,
  [ScalarType.FLOAT]: 4,
  [ScalarType.FIXED64]: 8,
  [ScalarType.SFIXED64]: 8,
  [ScalarType.DOUBLE]: 8,
};
