import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type DataPatch, decodeData, joinFields, patchedNames, splitFields } from "../../src/session/data-patch.ts";
import { encodePatch, SessionData } from "../../src/session/index.ts";
import { PlaySessionSchema } from "../schema/gen/play/v1/play_pb.ts";
import { anyFields, KindsSchema, kinds } from "../serializer/kinds.ts";

const type = KindsSchema.typeName;
const patchOf = (fields: object): DataPatch => encodePatch(KindsSchema, fields);
const raw = (hex: string, cleared: readonly number[] = []): DataPatch => ({ type, fields: Buffer.from(hex, "hex"), cleared });

/** Some fields, and some that are cleared. */
const anyPatch = fc
  .tuple(
    anyFields,
    fc.subarray(
      KindsSchema.members.map(({ localName }) => localName),
      { maxLength: 4 },
    ),
  )
  .map(([fields, cleared]) => ({ ...fields, ...Object.fromEntries(cleared.map((name) => [name, undefined])) }));

describe("splitFields()", () => {
  test("takes a message apart by its top-level fields; joined they are the message", () => {
    fc.assert(
      fc.property(anyFields, (fields) => {
        const bytes = toBinary(KindsSchema, kinds(fields));
        const split = splitFields(bytes);
        expect(toBinary(KindsSchema, fromBinary(KindsSchema, joinFields(split)))).toEqual(bytes);
        for (const [number, piece] of split) expect([...splitFields(piece).keys()]).toEqual([number]);
      }),
      { numRuns: 300 },
    );
  });

  test("keeps together what stands apart of one field", () => {
    // Field 22 as 1, field 1 as "a", field 22 as 2.
    const split = splitFields(Buffer.from("b001010a0161b00102", "hex"));
    expect([...split].map(([number, piece]) => [number, Buffer.from(piece).toString("hex")])).toEqual([
      [22, "b00101b00102"],
      [1, "0a0161"],
    ]);
  });

  test("any bytes are taken apart whole, or are invalid_argument", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        try {
          expect([...joinFields(splitFields(bytes))].sort()).toEqual([...bytes].sort());
        } catch (reason) {
          expect(reason).toMatchObject({ name: "NanoError", code: "invalid_argument" });
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test.each([
    ["a length beyond the end", "0a0561"],
    ["a tag alone", "0a"],
    ["field 0", "0000"],
    ["a group that does not end", "0b"],
    ["an end of no group", "0c"],
    ["groups without end in groups", "0b".repeat(2_000)],
  ])("%s is invalid_argument", (_what, hex) => {
    expect(() => splitFields(Buffer.from(hex, "hex"))).toThrow(expect.objectContaining({ code: "invalid_argument" }));
  });
});

describe("encodePatch()", () => {
  test("a default, and undefined, clear a field; whatever is set is not cleared", () => {
    expect(patchOf({ text: "", i64: 0n, i32: 5 })).toEqual({ type, fields: Uint8Array.of(0x20, 5), cleared: [1, 9] });
    expect(patchOf({ text: undefined }).cleared).toEqual([1]);
  });

  test("a field that tells zero from absent is set to zero, and cleared by undefined", () => {
    expect(patchOf({ maybe: 0 })).toMatchObject({ fields: Uint8Array.of(0xd0, 1, 0), cleared: [] });
    expect(patchOf({ maybe: undefined }).cleared).toEqual([26]);
  });

  test("one field of a oneof clears the others", () => {
    expect(patchOf({ side: { case: "left", value: "" } }).cleared).toEqual([25]);
    expect(patchOf({ side: { case: undefined } }).cleared).toEqual([24, 25]);
  });

  test("nothing is a patch, too", () => expect(patchOf({})).toEqual({ type, fields: new Uint8Array(0), cleared: [] }));

  test.each(["nick", "left", "toString", "__proto__", "$typeName"])("there is no field %s", (name) => {
    const fields = Object.fromEntries([[name, 1]]);
    expect(() => patchOf(fields)).toThrow(
      expect.objectContaining({ code: "invalid_argument", message: expect.stringContaining(name) }),
    );
  });

  test("says which names it touches, of a oneof its own", () => {
    const patch = patchOf({ i32: 0, side: { case: "left", value: "l" }, text: "a" });
    expect(patchedNames(KindsSchema, patch)).toEqual(["text", "i32", "side"]);
    // A number of a newer version of the schema has no name here.
    expect(patchedNames(KindsSchema, raw("c03e01", [999]))).toEqual([]);
  });
});

describe("SessionData", () => {
  test("is the message with the fields of each patch replaced, whole, in order", () => {
    fc.assert(
      fc.property(fc.array(anyPatch, { maxLength: 5 }), (patches) => {
        const data = new SessionData();
        for (const patch of patches) data.apply(patchOf(patch));
        const expected = kinds(Object.assign({}, ...patches));
        // Through a message, since fields stand in the order of their patches.
        expect(toBinary(KindsSchema, decodeData(KindsSchema, data.bytesOf(type)))).toEqual(toBinary(KindsSchema, expected));
        expect(data.length).toBe(data.bytesOf(type).length);
      }),
      { numRuns: 300 },
    );
  });

  test("matches what it was made of, and not what differs", () => {
    fc.assert(
      fc.property(anyPatch, anyPatch, (one, other) => {
        const data = new SessionData();
        data.apply(patchOf(one));
        expect(data.matches(patchOf(one))).toBe(true);
        const changed = data.copy();
        changed.apply(patchOf(other));
        const same =
          Buffer.compare(
            toBinary(KindsSchema, decodeData(KindsSchema, changed.bytesOf(type))),
            toBinary(KindsSchema, decodeData(KindsSchema, data.bytesOf(type))),
          ) === 0;
        expect(data.matches(patchOf(other))).toBe(same);
      }),
      { numRuns: 300 },
    );
    expect(new SessionData().matches(patchOf({ text: "" }))).toBe(true);
    expect(new SessionData().matches(patchOf({ text: "a" }))).toBe(false);
    const data = new SessionData();
    data.apply(patchOf({ text: "a" }));
    expect(data.matches(patchOf({ text: "" }))).toBe(false);
  });

  test("keeps the numbers that nobody here knows", () => {
    const data = new SessionData();
    data.apply(raw("c03e05"));
    data.apply(patchOf({ text: "a" }));
    expect(Buffer.from(data.bytesOf(type)).toString("hex")).toBe("c03e050a0161");
    data.apply(raw("", [1_000]));
    expect(Buffer.from(data.bytesOf(type)).toString("hex")).toBe("0a0161");
  });

  test("holds the messages of several types apart", () => {
    const data = new SessionData();
    data.apply(patchOf({ text: "a" }));
    data.apply(encodePatch(PlaySessionSchema, { note: "b" }));
    expect(Object.keys(data.all()).sort()).toEqual([PlaySessionSchema.typeName, type]);
    expect(data.length).toBe(6);
    expect(data.bytesOf("another")).toHaveLength(0);
    expect(SessionData.from(data.all()).all()).toEqual(data.all());
  });

  test("a type of which nothing is left is not there", () => {
    const data = new SessionData();
    data.apply(patchOf({ text: "a" }));
    data.apply(patchOf({ text: "" }));
    data.apply({ type: "never.Set", fields: new Uint8Array(0), cleared: [1] });
    expect(data.all()).toEqual({});
  });

  test("a malformed patch changes nothing", () => {
    const data = new SessionData();
    data.apply(patchOf({ text: "a", i32: 1 }));
    const before = data.all();
    expect(() => data.apply(raw("0a0561", [1, 4]))).toThrow(expect.objectContaining({ code: "invalid_argument" }));
    expect(data.all()).toEqual(before);
  });

  test("a copy goes its own way", () => {
    const data = new SessionData();
    data.apply(patchOf({ text: "a" }));
    const copy = data.copy();
    copy.apply(patchOf({ text: "b", i32: 1 }));
    data.apply(patchOf({ yes: true }));
    expect(decodeData(KindsSchema, data.bytesOf(type))).toMatchObject({ text: "a", i32: 0, yes: true });
    expect(decodeData(KindsSchema, copy.bytesOf(type))).toMatchObject({ text: "b", i32: 1, yes: false });
  });
});

test("decodeData() gives a message that cannot be changed, at any depth", () => {
  const message = create(PlaySessionSchema, { note: "n", items: { a: Uint8Array.of(1) } });
  const data = decodeData(PlaySessionSchema, toBinary(PlaySessionSchema, message)) as typeof message;
  expect(data).toEqual(message);
  expect(() => {
    data.note = "changed";
  }).toThrow(TypeError);
  expect(() => {
    data.items["b"] = Uint8Array.of(2);
  }).toThrow(TypeError);
});
