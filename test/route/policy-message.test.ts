import { create, fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Access, type Delivery, LimitSchema, MethodSchema, type Order } from "../../gen/nano/options_pb.ts";
import { type Codec, type MethodPolicy, reflectCodec } from "../../src/contract/index.ts";
import { codes } from "../../src/error/index.ts";
import type { RoutePolicy } from "../../src/route/index.ts";
import { fromMethodOptions, toMethodOptions } from "../../src/route/policy-message.ts";
import { CloseRequestSchema } from "../schema/gen/game/v1/game_pb.ts";
import { BrokenSchema } from "../schema/gen/play/v1/play_pb.ts";

type PushPolicy = Parameters<typeof toMethodOptions>[1];

/** A policy as the other side reads it. */
function travelled(policy: MethodPolicy, push: PushPolicy = {}): RoutePolicy {
  const bytes = toBinary(MethodSchema, toMethodOptions(policy, push, CloseRequestSchema));
  return fromMethodOptions(fromBinary(MethodSchema, bytes), CloseRequestSchema);
}

const defaults: RoutePolicy = {
  access: "bound",
  roles: [],
  timeoutMs: 5_000,
  limit: undefined,
  maxBytes: undefined,
  by: "any",
  own: false,
  order: "serial",
  maxConcurrent: 16,
  delivery: "replay",
  latestBy: undefined,
  validate: undefined,
  errors: [],
};

describe("a policy that travels", () => {
  test("has every default filled in", () => {
    expect(travelled({})).toEqual(defaults);
    expect(fromMethodOptions(undefined, CloseRequestSchema)).toEqual(defaults);
  });

  test("keeps everything that it says", () => {
    const u32 = fc.integer({ min: 1, max: 2 ** 32 - 1 });
    const error = fc.record(
      { detail: fc.constant(reflectCodec(BrokenSchema) as Codec<Message>), retryable: fc.boolean() },
      { requiredKeys: [] },
    );
    const policy = fc.record(
      {
        access: fc.constantFrom("bound" as const, "public" as const),
        roles: fc.array(fc.string(), { maxLength: 3 }),
        timeoutMs: u32,
        limit: fc.record({ perSecond: u32, burst: u32 }),
        maxBytes: u32,
        by: fc.constantFrom("any" as const, "sticky" as const, { key: "worldId" }),
        own: fc.boolean(),
        order: fc.constantFrom("serial" as const, "concurrent" as const),
        maxConcurrent: u32,
        validate: fc.boolean(),
        errors: fc.dictionary(fc.constantFrom(...codes), error, { maxKeys: 3 }),
      },
      { requiredKeys: [] },
    );
    const push = fc.record(
      { delivery: fc.constantFrom("replay" as const, "latest" as const, "droppable" as const), latestBy: fc.constant("worldId") },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(policy, push, (given, pushed) => {
        const { errors, ...rest } = given;
        const declared = codes.filter((code) => errors && Object.hasOwn(errors, code));
        expect(travelled({ ...given } as MethodPolicy, pushed)).toEqual({ ...defaults, ...rest, ...pushed, errors: declared });
      }),
      { numRuns: 500 },
    );
  });

  test("names fields as the .proto does, and errors with their messages", () => {
    const detail = reflectCodec(BrokenSchema) as Codec<Message>;
    const options = toMethodOptions(
      { by: { key: "worldId" }, errors: { aborted: { detail, retryable: false }, not_found: {} } },
      { latestBy: "worldId" },
      CloseRequestSchema,
    );
    expect(options.routeBy).toEqual({ case: "key", value: "world_id" });
    expect(options.latestBy).toBe("world_id");
    expect(options.errors).toMatchObject([
      { code: "not_found", detail: "" },
      { code: "aborted", detail: "play.v1.Broken", retryable: false },
    ]);
  });

  test("what nobody can mean, and what another version means, is the default", () => {
    const odd = create(MethodSchema, {
      access: 9 as Access,
      order: 9 as Order,
      delivery: 9 as Delivery,
      timeoutMs: 0,
      maxBytes: 0,
      maxConcurrent: 0,
      latestBy: "",
      routeBy: { case: "sticky", value: false },
      limit: create(LimitSchema),
    });
    expect(fromMethodOptions(odd, CloseRequestSchema)).toEqual(defaults);
  });

  test("a burst that is not said is as many as a second", () => {
    const options = create(MethodSchema, { limit: create(LimitSchema, { perSecond: 7 }) });
    expect(fromMethodOptions(options, CloseRequestSchema).limit).toEqual({ perSecond: 7, burst: 7 });
  });

  test("a field that the message does not have keeps the name it came with", () => {
    const options = create(MethodSchema, { routeBy: { case: "key", value: "new_field" } });
    expect(fromMethodOptions(options, CloseRequestSchema).by).toEqual({ key: "new_field" });
  });
});
