import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { createClientForms } from "../../src/frontend/client-form.ts";
import { createDictionary } from "../../src/frontend/dictionary.ts";
import { createEncodings } from "../../src/frontend/encoding.ts";
import { KindsSchema } from "../serializer/kinds.ts";

const libpitaya = { sys: { platform: "mac", libVersion: "0.3.5" } };
const nano = { sys: { nano: { v: 1, codes: true, inflate: ["zlib"] } } };

const encodings = createEncodings({
  fallback: "protobuf",
  serializers: [],
  registry: () => {
    throw new Error("no registry");
  },
});

describe("a body that many clients get", () => {
  const forms = createClientForms({ encodings, dictionary: createDictionary(), compression: {} });

  test("is deflated once, whoever they are", () => {
    const body = new Uint8Array(5_000);
    const one = forms.choose(libpitaya);
    const other = forms.choose(nano);
    const deflated = one?.deflate(one.encoding.encode(KindsSchema, body));
    expect(deflated?.length).toBeLessThan(100);
    expect(other?.deflate(other.encoding.encode(KindsSchema, body))).toBe(deflated);
  });

  test("goes as it is where it would not get smaller", () => {
    expect(forms.choose(nano)?.deflate(randomBytes(5_000))).toBeUndefined();
  });
});

test("the least size of what is deflated is an option, and so is never", () => {
  const chosen = (compression: false | { readonly leastBytes?: number }) =>
    createClientForms({ encodings, dictionary: undefined, compression }).choose(nano);
  const [body, less] = [new Uint8Array(100), new Uint8Array(99)];
  expect(chosen({ leastBytes: 100 })?.deflate(body)).toBeDefined();
  expect(chosen({ leastBytes: 100 })?.deflate(less)).toBeUndefined();
  expect(chosen(false)?.deflate(new Uint8Array(100_000))).toBeUndefined();
  expect(() => chosen({ leastBytes: Number.NaN })).toThrow(RangeError);
  expect(() => chosen({ leastBytes: -1 })).toThrow(RangeError);
});

describe("a dictionary", () => {
  test("gives codes from 1 on, in order, and takes none back", () => {
    const dictionary = createDictionary();
    expect(dictionary.table.codes.size).toBe(0);
    dictionary.learn(["b", "a", "b"]);
    const before = dictionary.table;
    dictionary.learn(["0", "a"]);
    expect([...dictionary.table.codes]).toEqual([
      ["a", 1],
      ["b", 2],
      ["0", 3],
    ]);
    // Whoever has the table from before keeps it.
    expect([...before.codes.keys()]).toEqual(["a", "b"]);
    expect([before.routeOf(0), before.routeOf(1), before.routeOf(3), before.routeOf(-1)]).toEqual([
      undefined,
      "a",
      undefined,
      undefined,
    ]);
    expect(before.name).not.toBe(dictionary.table.name);
  });

  test("is the same table where nothing is new, and has the same name wherever it says the same", () => {
    const [one, other] = [createDictionary(), createDictionary()];
    one.learn(["a", "b"]);
    other.learn(["b", "a"]);
    const { table } = one;
    one.learn(["a"]);
    expect(one.table).toBe(table);
    expect(other.table.name).toBe(table.name);
  });

  test("is full at 65,535 routes", () => {
    const dictionary = createDictionary();
    dictionary.learn(Array.from({ length: 70_000 }, (_, at) => `route.${at}`));
    expect(Math.max(...dictionary.table.codes.values())).toBe(65_535);
    dictionary.learn(["another"]);
    expect(dictionary.table.codes.get("another")).toBeUndefined();
  });
});
