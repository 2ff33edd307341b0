import { createHash } from "node:crypto";
import { gunzipSync, gzipSync } from "node:zlib";
import { fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import type { GenMessage } from "@bufbuild/protobuf/codegenv2";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Schema, type SchemaKind, SchemaSchema } from "../../gen/nano/cluster/v1/schema_pb.ts";
import type { HandlerService } from "../../src/contract/index.ts";
import { packSchema, readSchema, type ServerSchema } from "../../src/route/index.ts";
import { LoginHandler, ShopHandler, WorldAdminRemote } from "../schema/gen/game/v1/game_nano.ts";
import { OtherHandler, PlayHandler, PlayMethod, WhoRemote } from "../schema/gen/play/v1/play_nano.ts";
import { PlaySessionSchema } from "../schema/gen/play/v1/play_pb.ts";

const all = [PlayHandler, WhoRemote, OtherHandler, LoginHandler, ShopHandler, WorldAdminRemote];
const packed = packSchema(all);
const plain = gunzipSync(packed.gzip);
const schema = readSchema(packed.hash, packed.gzip);
const invalid = expect.objectContaining({ name: "NanoError", code: "invalid_argument" });

/** Reads bytes under their own hash. */
function readBytes(bytes: Uint8Array): ServerSchema {
  return readSchema(createHash("sha256").update(bytes).digest("hex"), gzipSync(bytes, { level: 1 }));
}

/** Reads the schema after something was done to it. */
function readChanged(change: (schema: Schema) => void): ServerSchema {
  const message = fromBinary(SchemaSchema, plain);
  change(message);
  return readBytes(toBinary(SchemaSchema, message));
}

describe("packSchema()", () => {
  test("gives the same bytes for the same services, in whatever order they come", () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(all, { minLength: all.length }), (services) => {
        expect(packSchema(services).hash).toBe(packed.hash);
      }),
      { numRuns: 20 },
    );
    expect(packSchema([PlayHandler]).hash).not.toBe(packSchema([PlayHandler, WhoRemote]).hash);
  });

  test("names the SHA-256 of what is gzipped", () => {
    expect(createHash("sha256").update(plain).digest("hex")).toBe(packed.hash);
  });

  test("of nothing is a schema, too", () => {
    const { hash, gzip } = packSchema([]);
    expect(readSchema(hash, gzip).routes.size).toBe(0);
  });
});

describe("readSchema()", () => {
  test("knows every route that was packed, with its kind, server and messages", () => {
    const shown = [...schema.routes].map(([route, info]) => {
      expect(info.route).toBe(route);
      return `${info.kind} ${route} ${info.server} ${info.input.name} ${info.output.name}`;
    });
    expect(shown).toHaveLength(all.reduce((sum, service) => sum + routesOf(service).length, 0));
    expect(shown).toContain("request play.play.wait play WaitRequest WaitResponse");
    expect(shown).toContain("notify play.play.keep play KeepRequest Empty");
    expect(shown).toContain("push play.play.scored play Empty ScoredResponse");
    expect(shown).toContain("remote play.who.any play AnyRequest AnyResponse");
    expect(shown).toContain("remote world.worldAdmin.close world CloseRequest CloseResponse");
  });

  test("knows which may be asked twice", () => {
    expect(schema.routes.get("world.worldAdmin.close")?.idempotent).toBe(true);
    expect(schema.routes.get(PlayMethod.wait.route)?.idempotent).toBe(false);
  });

  test("finds every message: of requests, answers, pushes, sessions and errors", () => {
    const names = [
      "play.v1.WaitRequest",
      "play.v1.ScoredResponse",
      "play.v1.PlaySession",
      "game.v1.Banned",
      "google.protobuf.Empty",
    ];
    for (const name of names) expect(schema.registry.getMessage(name)?.typeName).toBe(name);
  });

  test("finds the session's data, also where no method is beside it", () => {
    const shop: HandlerService<unknown> = { ...ShopHandler, session: PlaySessionSchema as GenMessage<Message> };
    const { hash, gzip } = packSchema([shop]);
    expect(readSchema(hash, gzip).registry.getMessage("play.v1.PlaySession")?.typeName).toBe("play.v1.PlaySession");
  });

  test("tells fields by the names that code sees, whatever the .proto calls them", () => {
    expect(schema.routes.get("world.worldAdmin.close")?.policy.by).toEqual({ key: "worldId" });
    expect(schema.routes.get("play.play.scored")?.policy).toMatchObject({ delivery: "latest", latestBy: "player" });
    expect(fromBinary(SchemaSchema, plain).methods.find(({ method }) => method === "Close")?.policy?.routeBy.value).toBe(
      "world_id",
    );
  });

  test("another hash is refused", () => {
    expect(() => readSchema("0".repeat(64), packed.gzip)).toThrow(invalid);
    expect(() => readSchema(packed.hash.toUpperCase(), packed.gzip)).toThrow(invalid);
  });

  test("a bomb is refused at 16 MiB, before anything else is done with it", () => {
    const mib = 1024 * 1024;
    const message = (bytes: number): string => {
      try {
        readBytes(new Uint8Array(bytes));
        return "read";
      } catch (reason) {
        expect(reason).toEqual(invalid);
        return (reason as Error).message;
      }
    };
    expect(message(16 * mib)).toMatch(/illegal tag/);
    expect(message(16 * mib + 1)).toMatch(/larger than/);
    expect(message(200 * mib)).toMatch(/larger than/);
  });

  test.each<[string, (changed: Schema) => void]>([
    [
      "a method that its files do not have",
      ({ methods }) => {
        for (const method of methods) method.method = "None";
      },
    ],
    [
      "a service that they do not have",
      ({ methods }) => {
        for (const method of methods) method.service = "none.v1.None";
      },
    ],
    [
      "no files",
      (changed) => {
        delete changed.files;
      },
    ],
    ["a file without what it imports", ({ files }) => void files?.file.shift()],
    [
      "files that import each other",
      ({ files }) => {
        for (const { dependency } of files?.file ?? []) dependency.push("play/v1/play.proto");
      },
    ],
    ["a file that imports itself", ({ files }) => void files?.file[0]?.dependency.push(files.file[0].name)],
  ])("%s is refused", (_what, change) => {
    expect(() => readChanged(change)).toThrow(invalid);
  });

  test("a kind of route that another version knows is left out", () => {
    const read = readChanged((changed) => {
      for (const method of changed.methods) if (method.route === PlayMethod.wait.route) method.kind = 77 as SchemaKind;
    });
    expect(read.routes.has(PlayMethod.wait.route)).toBe(false);
    expect(read.routes.size).toBe(schema.routes.size - 1);
  });

  test("any bytes are refused", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 60 }), (bytes) => {
        expect(() => readSchema(packed.hash, bytes)).toThrow(invalid);
      }),
      { numRuns: 300 },
    );
  });

  test("cut at any place it is refused", () => {
    fc.assert(
      fc.property(fc.nat(packed.gzip.length - 1), (length) => {
        expect(() => readSchema(packed.hash, packed.gzip.subarray(0, length))).toThrow(invalid);
      }),
      { numRuns: 50 },
    );
  });

  test("with any byte changed, under its own hash, it is a schema or refused", () => {
    fc.assert(
      fc.property(fc.nat(plain.length - 1), fc.nat(255), (at, byte) => {
        try {
          for (const [route, info] of readBytes(Uint8Array.from(plain).with(at, byte)).routes) {
            expect(info.route).toBe(route);
            expect(info.input.kind).toBe("message");
          }
        } catch (reason) {
          expect(reason).toEqual(invalid);
        }
      }),
      { numRuns: 300 },
    );
  });

  test("messages nested without end do not end the stack", () => {
    // DescriptorProto.nested_type is field 3; the file's messages are field 4, a set's files field 1, as is the schema's set.
    let bytes: Uint8Array = new Uint8Array(0);
    const wrap = (number: number): void => {
      const length = bytes.length;
      const head = [(number << 3) | 2, (length & 0x7f) | 0x80, ((length >> 7) & 0x7f) | 0x80, length >> 14];
      bytes = Uint8Array.from([...head, ...bytes]);
    };
    for (let at = 0; at < 2_000; at++) wrap(3);
    for (const number of [4, 1, 1]) wrap(number);
    expect(() => readBytes(bytes)).toThrow(invalid);
    expect(() => readBytes(bytes)).toThrow(/recursion/);
  });

  function routesOf(service: (typeof all)[number]): string[] {
    const pushes = service.kind === "handler" ? Object.values(service.pushes ?? {}) : [];
    return [...Object.values(service.methods), ...pushes].map(({ route }) => route);
  }
});
