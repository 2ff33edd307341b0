import { create, toBinary } from "@bufbuild/protobuf";
import { type BytesValue, BytesValueSchema } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ByteWriter, type Codec, encodeMessage, reflectCodec } from "../../src/contract/index.ts";
import { NoteRequestSchema } from "../schema/gen/play/v1/play_pb.ts";

const note = reflectCodec(NoteRequestSchema);

describe("reflectCodec()", () => {
  test("what is encoded comes back, from the middle of other bytes", () => {
    const fields = fc.record({
      note: fc.string({ unit: "grapheme" }),
      coins: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    });
    fc.assert(
      fc.property(fields, fc.uint8Array({ maxLength: 9 }), (init, around) => {
        const writer = new ByteWriter(1);
        writer.bytes(around);
        note.encode(note.create(init), writer);
        const to = writer.length;
        writer.bytes(around);
        expect(note.decode(writer.buffer, around.length, to)).toEqual(create(NoteRequestSchema, init));
      }),
    );
  });

  test("a whole message is given back as it is", () => {
    const message = create(NoteRequestSchema, { note: "n" });
    expect(note.create(message)).toBe(message);
  });

  test.each([Uint8Array, Buffer])("nothing in a message is still the bytes it came from, be they a %o", (kind) => {
    const codec = reflectCodec(BytesValueSchema);
    const bytes = kind.from([
      0xff,
      ...toBinary(BytesValueSchema, create(BytesValueSchema, { value: Uint8Array.of(1, 2) })),
      0xff,
    ]);
    const message: BytesValue = codec.decode(bytes, 1, bytes.length - 1);
    bytes.fill(9);
    expect([...message.value]).toEqual([1, 2]);
  });

  test("throws on malformed bytes, and reads nothing beyond its end", () => {
    const bytes = toBinary(NoteRequestSchema, create(NoteRequestSchema, { note: "abc" }));
    for (let to = 1; to < bytes.length; to++) expect(() => note.decode(bytes, 0, to)).toThrow();
    expect(note.decode(bytes, 0, bytes.length).note).toBe("abc");
  });
});

describe("encodeMessage()", () => {
  test("gives the bytes alone, and leaves the writer as it was", () => {
    const writer = new ByteWriter(4);
    writer.bytes(Uint8Array.of(1, 2, 3));
    const bytes = encodeMessage(note, { note: "abc", coins: 5n }, writer);
    expect(bytes).toEqual(toBinary(NoteRequestSchema, create(NoteRequestSchema, { note: "abc", coins: 5n })));
    expect([...writer.slice(0, writer.length)]).toEqual([1, 2, 3]);
    writer.bytes(new Uint8Array(200));
    expect(note.decode(bytes, 0, bytes.length).note).toBe("abc");
  });

  test("leaves the writer as it was when a codec fails half way", () => {
    const broken: Codec<ReturnType<typeof note.create>> = {
      ...note,
      encode(_message, writer) {
        writer.byte(1);
        throw new Error("half way");
      },
    };
    const writer = new ByteWriter(4);
    expect(() => encodeMessage(broken, {}, writer)).toThrow("half way");
    expect(writer.length).toBe(0);
  });
});
