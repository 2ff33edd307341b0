import { describe, expect, test } from "vitest";
import { fuzz } from "./engine/fuzz.ts";
import { Mutator } from "./engine/mutator.ts";
import { Broken, bytesOf, type Target } from "./engine/target.ts";

class Refusal extends Error {}

/** A decoder with a fault of one kind. */
function decoder(run: (bytes: Uint8Array) => void, differs: Partial<Target> = {}): Target {
  return { name: "planted", throws: Refusal, maxBytes: 4_096, tokens: ["token", "END"], seeds: () => ({}), run, ...differs };
}

/** Keeps the processor busy. */
function burn(ms: number): void {
  const usedMicros = (): number => {
    const { user, system } = process.threadCpuUsage();
    return user + system;
  };
  const end = usedMicros() + ms * 1_000;
  while (usedMicros() < end);
}

const corpus = [bytesOf("one:1;"), bytesOf("two:22;"), bytesOf("three:333;")];
const options = { corpus, seed: 1, count: 20_000 };
const has = (bytes: Uint8Array, text: string): boolean => Buffer.from(bytes).includes(text);

describe("the mutator", () => {
  const mutator = new Mutator(corpus, [bytesOf("token")], 256);

  test("makes the same input of the same seed and number, in whatever order", () => {
    const forward = Array.from({ length: 50 }, (_none, index) => mutator.make(7, index));
    const backward = Array.from({ length: 50 }, (_none, index) => mutator.make(7, 49 - index)).reverse();
    expect(backward).toEqual(forward);
    expect(Array.from({ length: 50 }, (_none, index) => mutator.make(8, index))).not.toEqual(forward);
  });

  test("hardly ever makes one twice, and none that is too long", () => {
    const made = Array.from({ length: 10_000 }, (_none, index) => Buffer.from(mutator.make(3, index)).toString("hex"));
    expect(new Set(made).size).toBeGreaterThan(6_000);
    expect(Math.max(...made.map((hex) => hex.length / 2))).toBeLessThanOrEqual(256);
  });

  test("leaves the corpus as it is", () => {
    for (let index = 0; index < 1_000; index++) mutator.make(5, index).fill(0);
    expect(corpus.map((bytes) => Buffer.from(bytes).toString())).toEqual(["one:1;", "two:22;", "three:333;"]);
  });
});

describe("the fuzzer finds", () => {
  test("an error that is not declared, and the input that makes it again", async () => {
    const target = decoder((bytes) => {
      if (bytes[0] === 0xff) throw new TypeError("not declared");
      throw new Refusal("declared");
    });
    const { finding } = await fuzz(target, options);
    expect(finding?.what).toBe("TypeError: not declared");
    const again = await fuzz(target, { ...options, from: finding?.index ?? -1, count: 1 });
    expect(again.finding).toEqual(finding);
  });

  test("what an inserted token breaks, and a splice of two entries", async () => {
    const token = decoder((bytes) => {
      if (has(bytes, "END")) throw new Broken("token");
    });
    expect((await fuzz({ ...token, maxBytes: 3 }, options)).finding?.what).toBe("Broken: token");
    const splice = decoder((bytes) => {
      if (has(bytes, "one") && has(bytes, "333;")) throw new Broken("splice");
    });
    expect((await fuzz(splice, options)).finding?.what).toBe("Broken: splice");
  });

  test("any error at all of a decoder that declares none", async () => {
    const target = decoder(
      (bytes) => {
        if (bytes.length === 0) throw new Refusal("empty");
      },
      { throws: undefined },
    );
    expect((await fuzz(target, options)).finding?.what).toBe("Error: empty");
  });

  test("time that grows with the square, at the limit of what may come", async () => {
    // As a field was that came in many pieces: each made a copy of all before. What it takes is measured,
    // so that a fast machine finds it too.
    const target = decoder((bytes) => burn((bytes.length / 1_024) ** 2 / 32), { maxBytes: 131_072 });
    expect((await fuzz(target, options)).finding?.what).toMatch(/^takes \d+ ms$/);
  });

  test("memory that is kept", async () => {
    const kept: Uint8Array[] = [];
    const target = decoder(() => void kept.push(new Uint8Array(2_048).fill(1)));
    expect((await fuzz(target, options)).finding?.what).toMatch(/bytes stay behind$/);
    expect(kept.length).toBeGreaterThan(options.count);
  });

  test("what reaches the prototype of all objects", async () => {
    const target = decoder((bytes) => {
      if (has(bytes, "token")) Object.defineProperty(Object.prototype, "reached", { value: 1, configurable: true });
    });
    const { finding } = await fuzz(target, options);
    Reflect.deleteProperty(Object.prototype, "reached");
    expect(finding?.what).toBe("every object has reached");
  });

  test("nothing in a decoder that is sound", async () => {
    const target = decoder((bytes) => {
      if (!has(bytes, ":")) throw new Refusal("no colon");
    });
    const { finding, taken, refused, inputs } = await fuzz(target, options);
    expect(finding).toBeUndefined();
    expect(taken + refused).toBe(inputs);
    expect(Math.min(taken, refused)).toBeGreaterThan(1_000);
  });
});
