import { describe, expect, test } from "vitest";
import { createJsonLogger, type Logger, type LogLevel, silentLogger, withFields } from "../../src/logger/index.ts";

interface Lines {
  readonly log: Logger;
  readonly lines: string[];
  /** The one line that was written. */
  readonly last: () => { readonly value?: unknown; readonly room?: unknown };
}

function lines(level?: LogLevel): Lines {
  const written: string[] = [];
  const log = createJsonLogger({
    sink: { write: (line) => void written.push(line) },
    now: () => 12_345,
    ...(level ? { level } : {}),
  });
  return {
    log,
    lines: written,
    last() {
      expect(written).toHaveLength(1);
      return JSON.parse(written[0] ?? "");
    },
  };
}

const levels = ["debug", "info", "warn", "error"] as const;

/** What a line says of one value. */
function logged(value: unknown): unknown {
  const { log, last } = lines();
  log.info({ value });
  return last().value;
}

describe("createJsonLogger()", () => {
  test("writes one JSON object a line: level, time, fields, words", () => {
    const { log, lines: written } = lines();
    log.warn({ session: "s\n1", count: 2 }, "over\nthe limit");
    expect(written).toEqual(['{"level":"warn","time":12345,"session":"s\\n1","count":2,"msg":"over\\nthe limit"}']);
  });

  test("needs no words", () => {
    const { log, lines: written } = lines();
    log.info({ a: 1 });
    expect(written).toEqual(['{"level":"info","time":12345,"a":1}']);
  });

  test.each(levels)("at level %s only that and what is worse is written", (least) => {
    const { log, lines: written } = lines(least);
    for (const level of levels) log[level]({}, "x");
    expect(written.map((line) => JSON.parse(line).level)).toEqual(levels.slice(levels.indexOf(least)));
  });

  test("the default level is info", () => {
    const { log, lines: written } = lines();
    log.debug({}, "x");
    log.info({}, "y");
    expect(written).toHaveLength(1);
  });

  test("a line below the level costs no look at its fields", () => {
    const { log } = lines("error");
    log.info({
      get never() {
        throw new Error("looked at");
      },
    });
  });
});

describe("what a line says of", () => {
  test("a big integer: its digits", () => expect(logged({ incarnation: 2n ** 64n })).toEqual({ incarnation: `${2n ** 64n}` }));

  test("a long text: 256 units of it", () => {
    expect(logged("x".repeat(256))).toBe("x".repeat(256));
    expect(logged("x".repeat(257))).toBe(`${"x".repeat(256)}...`);
  });

  test("a text cut inside of a pair: still JSON that anybody reads", () => {
    const { log, lines: written } = lines();
    log.info({ value: `${"x".repeat(255)}\u{1f600}` });
    expect(() => new TextDecoder("utf-8", { fatal: true }).decode(new TextEncoder().encode(written[0]))).not.toThrow();
    expect(JSON.parse(written[0] ?? "").value).toHaveLength(259);
  });

  test("an error: name, words, code, and where it was made", () => {
    const error = Object.assign(new RangeError("too far"), { code: "E_FAR" });
    expect(logged(error)).toMatchObject({ name: "RangeError", message: "too far", code: "E_FAR" });
    const { stack } = logged(error) as { stack: string };
    expect(stack).toContain("logger.test.ts");
    expect(stack.length).toBeGreaterThan(256);
  });

  test("an error under the name that pino has a form of its own for: the same", () => {
    const { log, lines: written } = lines();
    log.error({ err: new RangeError("too far", { cause: new TypeError("no way") }) }, "failed");
    const { err } = JSON.parse(written[0] ?? "");
    expect(err).toMatchObject({ name: "RangeError", message: "too far", cause: { name: "TypeError", message: "no way" } });
    expect(err.type).toBeUndefined();
  });

  test("an error's stack: bounded, whatever was thrown", () => {
    const error = new Error("m".repeat(100_000));
    expect(JSON.stringify(logged(error)).length).toBeLessThan(8_000);
  });

  test("an error's causes, one in the other", () => {
    const error = new Error("outer", { cause: new Error("middle", { cause: "inner" }) });
    expect(logged(error)).toMatchObject({ message: "outer", cause: { message: "middle", cause: "inner" } });
    expect(logged(new Error("alone"))).not.toHaveProperty("cause");
  });

  test("an error that is its own cause: four times", () => {
    const error = new Error("round");
    error.cause = error;
    let inner = logged(error);
    for (let at = 0; at < 5; at++) inner = (inner as Error).cause;
    expect(inner).toBe("round");
  });

  test("a chain of a thousand causes: a bounded part", () => {
    let error = new Error("first");
    for (let at = 0; at < 1_000; at++) error = new Error(`number ${at}`, { cause: error });
    expect(JSON.stringify(logged(error)).length).toBeLessThan(64_000);
  });

  test("several errors in one: each", () => {
    expect(logged(new AggregateError([new Error("one"), new Error("two")], "all"))).toMatchObject({
      message: "all",
      errors: [{ message: "one" }, { message: "two" }],
    });
  });

  test("errors that hold errors that hold errors: a bounded part", () => {
    let error = new Error("seed");
    for (let at = 0; at < 8; at++)
      error = new AggregateError(
        Array.from({ length: 100 }, () => error),
        `level ${at}`,
      );
    expect(JSON.stringify(logged(error)).length).toBeLessThan(64_000);
  });
});

describe("what must not throw", () => {
  const round: { a: number; self?: unknown } = { a: 1 };
  round.self = round;
  let deep: unknown = 1;
  for (let at = 0; at < 20_000; at++) deep = [deep];

  test.each([
    ["fields that hold themselves", round],
    ["a value that holds itself", { round }],
    ["a value nested too deeply", { deep }],
    ["a toJSON that throws", { value: { toJSON: () => raise() } }],
    [
      "a getter that throws",
      {
        get value() {
          return raise();
        },
      },
    ],
    [
      "a getter inside that throws",
      {
        value: {
          get inner() {
            return raise();
          },
        },
      },
    ],
    ["an object without a prototype", { value: Object.create(null) }],
    ["a proxy that is revoked", { value: revoked() }],
    ["functions and symbols", { value: () => {}, other: Symbol("s") }],
    ["an invalid date", { value: new Date(Number.NaN) }],
    [
      "an error whose words cannot be read",
      {
        err: Object.defineProperty(new Error("x"), "message", {
          get() {
            return raise();
          },
        }),
      },
    ],
  ])("%s: there is a line, with level, time and words", (_what, fields) => {
    const { log, last } = lines();
    log.error(fields, "it happened");
    expect(last()).toMatchObject({ level: "error", time: 12_345, msg: "it happened" });
  });

  test("what can be said besides is said", () => {
    const { log, last } = lines();
    log.error({ session: "s1", round, big: 5n, err: new Error("why") }, "it happened");
    expect(last()).toMatchObject({ session: "s1", big: "5", err: { message: "why" } });
  });

  function raise(): never {
    throw new Error("never looked at");
  }

  function revoked(): object {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return proxy;
  }
});

describe("withFields()", () => {
  test.each(levels)("%s: lines carry what is shared, and their own fields go before", (level) => {
    const { log, last } = lines("debug");
    withFields(withFields(log, { server: "a", room: "r" }), { room: "q" })[level]({ user: "u" }, "words");
    expect(last()).toEqual({ level, time: 12_345, server: "a", room: "q", user: "u", msg: "words" });
  });

  test("a field of the line's own replaces the shared one", () => {
    const { log, last } = lines();
    withFields(log, { room: "r" }).info({ room: "mine" });
    expect(last().room).toBe("mine");
  });

  test("a getter that throws does not throw here either", () => {
    const { log, last } = lines();
    withFields(log, { server: "a" }).info(
      {
        get value() {
          throw new Error("no");
        },
      },
      "words",
    );
    expect(last()).toMatchObject({ msg: "words" });
  });
});

test("the silent logger takes everything", () => {
  for (const level of levels) expect(silentLogger[level]({ a: 1 }, "x")).toBeUndefined();
});
