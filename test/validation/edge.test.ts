import { NanoError, type Server, type ServerOptions, violationsOf } from "nano-rpc";
import { type Client, type ClientOptions, printedChecks, violationsOf as seenByClient } from "nano-rpc/client";
import { protovalidate } from "nano-rpc/client/protovalidate";
import { createTestCluster, type TestCluster } from "nano-rpc/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { RulesChecks } from "../schema/gen/rules/v1/rules_check.ts";
import { RulesClient } from "../schema/gen/rules/v1/rules_client.ts";
import { RulesAdminRemote, RulesHandler } from "../schema/gen/rules/v1/rules_nano.ts";
import { type Asked, rulesServices } from "./rules.ts";

let cluster: TestCluster;
beforeEach(() => {
  cluster = createTestCluster();
});
afterEach(() => cluster.stop());

const places = ["on the frontend", "behind a link", "behind a link, of a service that the frontend knows"] as const;
const logged: unknown[] = [];
const log = {
  ...{ trace() {}, debug() {}, info() {}, warn() {} },
  error: (fields: object, message: string) => void logged.push([Reflect.get(fields, "err"), message]),
} as unknown as NonNullable<ServerOptions["log"]>;

interface Started {
  readonly rules: RulesClient;
  readonly client: Client;
  readonly gate: Server;
  readonly asked: Asked;
}

async function start(place: (typeof places)[number], options: Omit<ClientOptions, "transport" | "clock"> = {}): Promise<Started> {
  logged.length = 0;
  const { services, asked } = rulesServices();
  const here = place === "on the frontend";
  const forwards = place === "behind a link" ? [] : [RulesHandler];
  const gate = await cluster.start({
    id: "gate-1",
    types: ["gate"],
    frontend: true,
    log,
    services: here ? services : [],
    forwards,
  });
  if (!here) await cluster.start({ id: "rules-1", log, services });
  const client = await cluster.connect("gate-1", options);
  return { rules: client.service(RulesClient), client, gate, asked };
}

async function errorOf(call: Promise<unknown>): Promise<NanoError> {
  return NanoError.from(
    await call.then(
      () => "no error",
      (reason: unknown) => reason,
    ),
  );
}

const short = { field: "name", rule: "string.min_len", message: "must be at least 1 characters" };

describe.each(places)("a message to a handler %s", (place) => {
  test.each(["protobuf", "json"] as const)(
    "is answered only if it keeps to its rules; the error names the fields, in %s",
    async (encoding) => {
      const { rules, gate, asked } = await start(place, { encoding });
      const error = await errorOf(rules.ask({ places: [{ x: 1 }, { x: 100, y: -101 }] }));
      expect([error.code, error.declared]).toEqual(["invalid_argument", false]);
      const range = "must be greater than or equal to -100 and less than 100";
      expect(error.message).toBe(`name: must be at least 1 characters; places[1].x: ${range}; places[1].y: ${range}`);
      const found = [
        short,
        { field: "places[1].x", rule: "sint32.gte_lt", message: range },
        { field: "places[1].y", rule: "sint32.gte_lt", message: range },
      ];
      expect(seenByClient(error)).toEqual(found);
      expect(violationsOf(error)).toEqual(found);
      expect(asked.routes).toEqual([]);
      expect(gate.counters.frontend?.refused.validate).toBe(1);
      await rules.ask({ name: "ann" });
      expect(asked.routes).toEqual(["ask"]);
    },
  );

  test("of which much is wrong is told of the first 16", async () => {
    const { rules } = await start(place);
    const error = await errorOf(rules.ask({ name: "ann", places: Array.from({ length: 30 }, () => ({ x: 500 })) }));
    expect(seenByClient(error)).toHaveLength(16);
    expect(error.message).toMatch(/; and 13 more$/);
  });

  test("is checked by rules that are not printed, too", async () => {
    const { rules, asked } = await start(place);
    const error = await errorOf(rules.mail({ mail: "nobody", subject: "hi", places: { "": {} } }));
    expect(seenByClient(error)).toEqual([
      { field: "mail", rule: "string.email", message: "must be a valid email address" },
      { field: 'places[""]', rule: "string.min_len", message: "must be at least 1 characters" },
    ]);
    expect(seenByClient(await errorOf(rules.divide({ by: 5 })))).toEqual([
      { field: "by", rule: "divides", message: "must divide 12" },
    ]);
    await rules.mail({ mail: "ann@example.org", subject: "hi" });
    expect(asked.routes).toEqual(["mail"]);
  });

  test("by rules that cannot be worked out is an internal error, logged with its cause", async () => {
    const { rules, asked } = await start(place);
    const error = await errorOf(rules.divide({ by: 0 }));
    expect([error.code, error.message, asked.routes]).toEqual(["internal", "internal error", []]);
    expect(logged).toEqual([
      [expect.objectContaining({ message: expect.stringContaining("DivideRequest cannot be worked out") }), "a handler threw"],
    ]);
  });

  test("is not checked where its method says so", async () => {
    const { rules, asked } = await start(place);
    await rules.free({});
    expect(asked.routes).toEqual(["free"]);
  });

  test("nobody waits for is dropped, and told of", async () => {
    const { rules, client, asked } = await start(place);
    const heard: string[] = [];
    client.onFailed(({ route, code, message }) => void heard.push(`${route} ${code}: ${message}`));
    rules.tell({ text: "ééé" });
    rules.tell({ text: "hi" });
    await cluster.settle();
    expect(heard).toEqual(["rules.rules.tell invalid_argument: text: must be at most 4 bytes"]);
    expect(asked.routes).toEqual(["tell"]);
  });

  test("is none of the errors that its method declares with details of their own", async () => {
    const { rules } = await start(place);
    const outcome = await rules.claim({}).result();
    if (outcome.ok) throw new Error("no error");
    expect([outcome.error.declared, outcome.error.code, seenByClient(outcome.error)]).toEqual([
      false,
      "invalid_argument",
      [short],
    ]);
  });
});

describe("a client with checks of its own", () => {
  test.each([
    ["printed", async () => printedChecks(...RulesChecks)],
    ["protovalidate", protovalidate],
  ] as const)("sends nothing that does not pass: %s", async (_how, check) => {
    const { rules, gate, asked } = await start("behind a link", { check: await check() });
    const before = gate.counters.frontend?.messages;
    const error = await errorOf(rules.ask({}));
    expect([error.code, seenByClient(error)]).toEqual(["invalid_argument", [short]]);
    expect(() => rules.tell({ text: "ééé" })).toThrowError("text: must be at most 4 bytes");
    await cluster.settle();
    expect(gate.counters.frontend?.messages).toBe(before);
    await rules.ask({ name: "ann" });
    await rules.free({});
    expect(asked.routes).toEqual(["ask", "free"]);
  });

  test("leaves to the server what is not printed", async () => {
    const { rules } = await start("behind a link", { check: printedChecks(...RulesChecks) });
    const error = await errorOf(rules.mail({ mail: "nobody", subject: "hi" }));
    expect(seenByClient(error)).toEqual([{ field: "mail", rule: "string.email", message: "must be a valid email address" }]);
  });
});

test("what servers ask each other is checked where it is answered", async () => {
  const { gate, asked } = await start("behind a link");
  const error = await errorOf(gate.remote(RulesAdminRemote).count({ most: 11 }));
  expect([error.code, violationsOf(error)]).toEqual([
    "invalid_argument",
    [{ field: "most", rule: "uint32.lte", message: "must be less than or equal to 10" }],
  ]);
  await gate.remote(RulesAdminRemote).count({ most: 10 });
  expect(asked.routes).toEqual(["count"]);
});

test("violationsOf() has nothing to say of other errors", () => {
  expect([
    violationsOf(new Error("x")),
    violationsOf(undefined),
    violationsOf(new NanoError({ code: "internal", message: "" })),
  ]).toEqual([[], [], []]);
});
