import { create } from "@bufbuild/protobuf";
import { createValidator, violationsToProto } from "@bufbuild/protovalidate";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { allDifferent, characters, Findings, utf8Bytes } from "../../src/contract/index.ts";
import { EveryRequestCheck } from "../schema/gen/rules/v1/rules_check.ts";
import { type EveryRequest, EveryRequestSchema } from "../schema/gen/rules/v1/rules_pb.ts";
import { every, text } from "./every.ts";

const validator = createValidator();

function byLibrary(message: EveryRequest): unknown[] {
  const result = validator.validate(EveryRequestSchema, message);
  if (result.kind === "error") throw result.error;
  return result.kind === "valid" ? [] : violationsToProto(result.violations)[0].violations;
}

function byCode(message: EveryRequest): readonly unknown[] {
  const found = new Findings();
  EveryRequestCheck.check(message, found);
  return found.violations;
}

describe("printed checks", () => {
  test("find what protovalidate finds, in its order and words, up to the first 16", () => {
    fc.assert(
      fc.property(every, (init) => {
        const message = create(EveryRequestSchema, init);
        expect(byCode(message)).toEqual(byLibrary(message).slice(0, 16));
      }),
      { numRuns: 300 },
    );
  });

  test("a field at a time, so that none is lost behind the first 16", () => {
    const fields = Object.keys(EveryRequestSchema.field);
    fc.assert(
      fc.property(every, fc.constantFrom(...fields), (init, name) => {
        const found = new Findings();
        const message = create(EveryRequestSchema, init);
        const number = EveryRequestSchema.field[name as "int32"].number;
        EveryRequestCheck.check(message, onlyOf(found, number));
        const all = byLibrary(message) as { field?: { elements: { fieldNumber: number }[] } }[];
        expect(found.violations).toEqual(all.filter((one) => one.field?.elements[0]?.fieldNumber === number).slice(0, 16));
      }),
      { numRuns: 600 },
    );
  });

  test("say nothing of a message that keeps to its rules", () => {
    const good = create(EveryRequestSchema, {
      ...{ int32: 1, sint32: -2, uint32: 1, fixed32: 1, sfixed32: 1, int64: 3n, uint64: 1n, fixed64: 2n },
      ...{ float: 1, double: 2, bool: true, length: "é", exactLength: "éé", part: 'a"b"é', only: "a\u2028b", listed: "a" },
      ...{ bytes: Uint8Array.of(1), three: Uint8Array.of(1, 2, 3), color: 1, red: 1, either: 5, required: "x" },
      ...{ requiredAndSmall: 1, requiredDouble: 1, requiredBytes: Uint8Array.of(1), requiredColor: 1, requiredMap: { a: 1 } },
      ...{ strings: ["a"], longs: [1n], requiredPlace: {}, wrapped: "", choice: { case: "text", value: "x" } },
    });
    expect([byCode(good), byLibrary(good)]).toEqual([[], []]);
  });
});

describe("what printed checks count", () => {
  const any = fc.oneof(fc.string({ unit: "binary" }), text);

  test("characters", () => {
    fc.assert(
      fc.property(any, (value) => {
        expect(characters(value)).toBe([...value].length);
      }),
    );
  });

  test("bytes in UTF-8", () => {
    fc.assert(
      fc.property(any, (value) => {
        expect(utf8Bytes(value)).toBe(new TextEncoder().encode(value).length);
      }),
    );
  });

  test("values that come twice", () => {
    expect(allDifferent([Number.NaN, Number.NaN, 1])).toBe(true);
    expect([allDifferent([0, -0]), allDifferent(["a", "a"]), allDifferent([1n, 1n]), allDifferent([])]).toEqual([
      false,
      false,
      false,
      true,
    ]);
  });
});

/** Takes only what is found in one field of the outermost message. */
function onlyOf(found: Findings, number: number): Findings {
  let depth = 0;
  let outermost: number | undefined;
  const filter: Pick<Findings, "enter" | "leave" | "add"> = {
    enter(step) {
      if (depth++ === 0) outermost = step[1];
      found.enter(step);
    },
    leave() {
      depth--;
      found.leave();
    },
    add(step, ...rest) {
      if ((depth === 0 ? step[1] : outermost) === number) found.add(step, ...rest);
    },
  };
  // Printed code knows no more of it than these.
  return filter as Findings;
}
