import { create, toBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { type Random, seededRandom } from "../../src/clock/index.ts";
import type { ServerInfo } from "../../src/discovery/index.ts";
import { packSchema, readSchema } from "../../src/route/index.ts";
import { createRouter, type KnownRoute, type Router, rendezvous } from "../../src/router/index.ts";
import { PlayHandler, PlayMethod, WhoMethod, WhoRemote } from "../schema/gen/play/v1/play_nano.ts";
import { HomeRequestSchema } from "../schema/gen/play/v1/play_pb.ts";
import { serverInfo } from "./server-info.ts";

const packed = packSchema([PlayHandler, WhoRemote]);
const schema = readSchema(packed.hash, packed.gzip);
const nothing = new Uint8Array(0);

function route(name: string, servers: readonly ServerInfo[], serving = servers): KnownRoute {
  const info = schema.routes.get(name);
  if (!info) throw new Error(`no route ${name}`);
  return { info, servers, serving };
}

/** A router that sees the given loads; a server that is not named has no link. */
function router(load: Readonly<Record<string, number>> = {}, random: Random = seededRandom(3)): Router {
  return createRouter({ random, load: ({ id }) => load[id] });
}

const [a, b, c] = [serverInfo("a"), serverInfo("b"), serverInfo("c")];
const unavailable = expect.objectContaining({ name: "NanoError", code: "unavailable", retryable: true });

/** Without a routing function nobody waits. */
function atOnce(picked: ServerInfo | Promise<ServerInfo>): ServerInfo {
  if (picked instanceof Promise) throw new Error("a promise");
  return picked;
}

/** How often each was picked, of a thousand. */
function counts(pick: () => ServerInfo): Record<string, number> {
  const counted: Record<string, number> = {};
  for (let at = 0; at < 1_000; at++) {
    const { id } = pick();
    counted[id] = (counted[id] ?? 0) + 1;
  }
  return counted;
}

describe("any", () => {
  const any = WhoMethod.any.route;
  const pick = (load: Readonly<Record<string, number>>, servers: readonly ServerInfo[]) => {
    const made = router(load);
    return counts(() => atOnce(made.pick(route(any, servers), { body: nothing, before: a })));
  };

  test("is everybody in turn where all are as busy", () => {
    const counted = pick({ a: 5, b: 5, c: 5 }, [a, b, c]);
    // A third each; eight standard deviations.
    for (const id of ["a", "b", "c"]) expect(Math.abs((counted[id] ?? 0) - 333)).toBeLessThan(120);
  });

  test("is the less busy one of two, always", () => {
    expect(pick({ a: 1, b: 0 }, [a, b])).toEqual({ b: 1_000 });
    expect(pick({ a: 0, b: 1 }, [a, b])).toEqual({ a: 1_000 });
  });

  test("is never the busiest of three, and not always the idlest", () => {
    const counted = pick({ a: 0, b: 5, c: 9 }, [a, b, c]);
    expect(Object.keys(counted).sort()).toEqual(["a", "b"]);
  });

  test("is one that is linked, however busy; any where none is", () => {
    expect(pick({ b: 1_000 }, [a, b, c])).toEqual({ b: 1_000 });
    expect(Object.keys(pick({}, [a, b, c])).sort()).toEqual(["a", "b", "c"]);
  });

  test("is the only one there is", () => expect(pick({ a: 3 }, [a])).toEqual({ a: 1_000 }));

  test("holds for chance at both of its ends", () => {
    for (const value of [0, 1 - Number.EPSILON]) {
      const made = router({ a: 0, b: 0, c: 0 }, { next: () => value, bytes: () => nothing });
      expect([a, b, c]).toContain(made.pick(route(any, [a, b, c]), { body: nothing, before: undefined }));
    }
  });

  test("is unavailable where nobody is, with the type that is missing", () => {
    expect(() => pick({}, [])).toThrow(unavailable);
    expect(() => pick({}, [])).toThrow(/play/);
  });
});

describe("sticky", () => {
  const sticky = PlayMethod.wait.route;
  const made = router({ a: 0, b: 0, c: 0 });
  const pick = (before: ServerInfo | undefined, servers: readonly ServerInfo[], serving = servers): ServerInfo =>
    atOnce(made.pick(route(sticky, servers, serving), { body: nothing, before }));

  test("is the one that answered before, be it draining", () => {
    expect(pick(b, [a, b, c])).toBe(b);
    expect(pick(b, [a, c], [a, b, c])).toBe(b);
  });

  test("is unavailable when that one is gone, every time, though others are there", () => {
    for (let at = 0; at < 3; at++) expect(() => pick(b, [a, c])).toThrow(unavailable);
  });

  test("another incarnation under its id is another server", () => {
    expect(() => pick({ ...b, incarnation: b.incarnation + 1n }, [a, b, c])).toThrow(unavailable);
  });

  test("is any where nobody answered yet, but none that drains", () => {
    expect(Object.keys(counts(() => pick(undefined, [a, b], [a, b, c]))).sort()).toEqual(["a", "b"]);
    expect(() => pick(undefined, [], [c])).toThrow(unavailable);
  });
});

describe("key", () => {
  const home = PlayMethod.home.route;
  const bodyOf = (name: string): Uint8Array => toBinary(HomeRequestSchema, create(HomeRequestSchema, { name }));
  const names = Array.from({ length: 50 }, (_, at) => `name-${at}`);

  test("is the server of the value, whoever answered before, is linked or busy", () => {
    for (const made of [router(), router({ a: 1_000 }), router({ b: 0, c: 7 }, seededRandom(9))]) {
      for (const name of names) {
        const found = made.pick(route(home, [a, b, c]), { body: bodyOf(name), before: a });
        expect(found).toBe(rendezvous(name, [a, b, c]));
        expect(made.pickByKey(route(home, [a, b, c]), name)).toBe(found);
      }
    }
  });

  test("does not lead to one that drains", () => {
    for (const name of names)
      expect(router().pick(route(home, [a, b], [a, b, c]), { body: bodyOf(name), before: c })).not.toBe(c);
  });

  test("an absent field is its default", () => {
    expect(router().pick(route(home, [a, b, c]), { body: nothing, before: undefined })).toBe(rendezvous("", [a, b, c]));
  });

  test("integers lead by their decimal text", () => {
    const owner = route(WhoMethod.owner.route, [a, b, c]);
    const minusTwo = Uint8Array.of(8, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1);
    expect(router().pick(owner, { body: minusTwo, before: undefined })).toBe(rendezvous("-2", [a, b, c]));
  });

  test("a malformed message is invalid_argument", () => {
    expect(() => router().pick(route(home, [a]), { body: Uint8Array.of(0x0a, 9), before: undefined })).toThrow(
      expect.objectContaining({ code: "invalid_argument" }),
    );
  });

  test("is unavailable where nobody is", () => {
    expect(() => router().pick(route(home, []), { body: bodyOf("x"), before: undefined })).toThrow(unavailable);
    expect(() => router().pickByKey(route(home, [], [a]), "x")).toThrow(unavailable);
  });
});
