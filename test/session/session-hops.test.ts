import { create, type MessageInitShape, toJson } from "@bufbuild/protobuf";
import fc from "fast-check";
import { createJsonLogger, createServer, implement, memory, type Server, sessionHooks, silentLogger, tcp } from "nano-rpc";
import { type Client, createClient } from "nano-rpc/client";
import { tcp as dial } from "nano-rpc/client/tcp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { until } from "../net/recorder.ts";
import { ReadClient, WriteClient } from "../schema/gen/hops/v1/hops_client.ts";
import { ReadHandler, WriteHandler } from "../schema/gen/hops/v1/hops_nano.ts";
import { type HopsSession, HopsSessionSchema } from "../schema/gen/hops/v1/hops_pb.ts";

type Data = MessageInitShape<typeof HopsSessionSchema>;

const servers: Server[] = [];
const clients: Client[] = [];
/** What the hooks of each server heard, and what its log says. */
const heard = { gate: [] as string[], writer: [] as string[] };
const logged: string[] = [];

const hooksOf = (events: string[]) =>
  sessionHooks(HopsSessionSchema, {
    onOpen: ({ user }) => void events.push(`open ${user}`),
    onBind: ({ user }) => void events.push(`bind ${user}`),
    onPatch: (_session, fields) => void events.push(`patch ${fields.join()}`),
    onClose: (_session, { kind }) => void events.push(`close ${kind}`),
  });
const broken = sessionHooks(HopsSessionSchema, {
  onOpen: () => fail("open"),
  onBind: () => fail("bind"),
  onPatch: () => fail("patch"),
  onClose: async () => fail("close"),
});

function fail(what: string): never {
  throw new Error(`broken by ${what}`);
}

beforeAll(async () => {
  const discovery = memory();
  const log = createJsonLogger({ sink: { write: (line) => void logged.push(line) }, now: () => 0 });
  const write = implement(WriteHandler, {
    async set({ data }, { session }) {
      if (session.user === undefined) await session.bind(`user-${session.id}`);
      const { $typeName, $unknown, ...fields } = data ?? create(HopsSessionSchema);
      await session.patch(fields);
      return { seen: session.data as HopsSession };
    },
    async add({ expected, amount }, { session }) {
      return { applied: await session.patchIf({ count: expected }, { count: expected + amount }) };
    },
  });
  const read = implement(ReadHandler, {
    get: (_request, { session }) => ({ seen: session.data as HopsSession }),
    async name({ text }, { session }) {
      await session.patch({ text });
      return {};
    },
  });
  servers.push(
    createServer({
      id: "gate",
      types: ["gate"],
      discovery,
      log,
      sessions: [broken, hooksOf(heard.gate)],
      acceptors: [tcp({ port: 0 })],
    }),
    createServer({ id: "writer", discovery, log, sessions: [broken, hooksOf(heard.writer)], services: [write] }),
    createServer({ id: "reader", discovery, log: silentLogger, services: [read] }),
  );
  for (const server of servers) await server.start();
});

afterAll(async () => {
  for (const client of clients) await client.close();
  for (const server of servers.reverse()) await server.stop({ graceMs: 0 });
});

async function connect(encoding: "protobuf" | "json"): Promise<Client> {
  const [host = "", port = ""] = (servers[0]?.addresses["tcp"] ?? "").split(":");
  const client = createClient({ transport: dial({ host, port: Number(port) }), encoding });
  clients.push(client);
  await client.connect();
  return client;
}

const signed = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const unsigned = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const bytes = fc.uint8Array({ maxLength: 40 });
const part = fc.record({ raw: bytes, number: signed });
const anyData: fc.Arbitrary<Data> = fc.record({
  ...{ large: signed, unsigned, negative: signed, fixed: unsigned, raw: bytes },
  items: fc.dictionary(
    fc.string({ unit: "grapheme", maxLength: 8 }).filter((key) => key !== "__proto__"),
    bytes,
    { maxKeys: 4 },
  ),
  counts: fc.dictionary(signed.map(String), unsigned, { maxKeys: 4 }),
  parts: fc.dictionary(unsigned.map(String), part, { maxKeys: 3 }),
  list: fc.array(signed, { maxLength: 5 }),
  text: fc.string({ unit: "grapheme", maxLength: 20 }),
  choice: fc.oneof(
    fc.constant({ case: undefined }),
    signed.map((value) => ({ case: "number" as const, value })),
    part.map((value) => ({ case: "part" as const, value })),
  ),
  real: fc.double({ noNaN: true }),
});

const textOf = (data: HopsSession | undefined): unknown => toJson(HopsSessionSchema, data ?? create(HopsSessionSchema));

test.each(["protobuf", "json"] as const)(
  "session data come through every hop as they are: %s client, gate, writer, gate, reader",
  async (encoding) => {
    const client = await connect(encoding);
    const [writer, reader] = [client.service(WriteClient), client.service(ReadClient)];
    await fc.assert(
      fc.asyncProperty(anyData, fc.string({ maxLength: 10 }), async (any, text) => {
        // JSON.stringify() writes -0 as 0.
        const init = encoding === "json" ? { ...any, real: (any.real ?? 0) + 0 } : any;
        const data = create(HopsSessionSchema, init);
        const { seen } = await writer.set({ data });
        expect(textOf(seen)).toEqual(textOf(data));
        expect(textOf((await reader.get({})).seen)).toEqual(textOf(data));
        // Another server sets another field: nothing else is touched.
        await reader.name({ text });
        const both = create(HopsSessionSchema, { ...init, text });
        expect(textOf((await reader.get({})).seen)).toEqual(textOf(both));
        expect(textOf((await writer.set({ data: both })).seen)).toEqual(textOf(both));
      }),
      { numRuns: 40 },
    );
  },
);

test("two that set different fields at the same time lose nothing; of two that expect the same one is refused", async () => {
  const client = await connect("protobuf");
  const [writer, reader] = [client.service(WriteClient), client.service(ReadClient)];
  await writer.set({ data: { large: 7n, count: 1n } });
  const [one, other] = await Promise.all([
    writer.add({ expected: 1n, amount: 2n }),
    writer.add({ expected: 1n, amount: 5n }),
    reader.name({ text: "n" }),
  ]);
  expect([one.applied, other.applied]).toEqual([true, false]);
  expect((await reader.get({})).seen).toMatchObject({ large: 7n, text: "n", count: 3n });
});

test("hooks hear of a session from its begin to its end; those that throw are logged, and hurt nobody", async () => {
  for (const events of Object.values(heard)) events.length = 0;
  logged.length = 0;
  const client = await connect("json");
  await client.service(WriteClient).set({ data: { large: 1n, text: "a" } });
  await client.close();
  await until(() => Object.values(heard).every((events) => events.some((event) => event.startsWith("close")))).toBe(true);
  const named = expect.stringMatching(/^bind user-[0-9a-f]{32}$/);
  const patched = expect.stringMatching(/^patch .*large/);
  for (const events of Object.values(heard))
    expect(events).toEqual(["open undefined", named, patched, expect.stringMatching(/^close /)]);
  for (const what of ["open", "bind", "patch", "close"])
    expect([what, logged.filter((line) => line.includes(`broken by ${what}`)).length]).toEqual([what, 2]);
});
