// Clients of one release beside servers of another, as generated code has them.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ClientRelease, type ClientsOptions, createServer, implement } from "nano-rpc";
import { type Client, createClient, NanoError, next } from "nano-rpc/client";
import { tcp } from "nano-rpc/client/tcp";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { CommandError } from "../../src/cli/command.ts";
import { releaseCommand } from "../../src/cli/release/release-command.ts";
import { compile, print, printBy, requestFor } from "../plugin/compile.ts";
import { sampleReader } from "../support/sample-reader.ts";
import { ShopClient as OldClient } from "./releases/one/gen/shop_client.ts";
import { ShopHandler as OldHandler, ShopPush as OldPush } from "./releases/one/gen/shop_nano.ts";
import { ShopClient as NewClient } from "./releases/two/gen/shop_client.ts";
import { ShopHandler as NewHandler, ShopPush as NewPush } from "./releases/two/gen/shop_nano.ts";
import { type Started, startServer } from "./started.ts";
import { watchCodes } from "./watch-codes.ts";

const folder = "test/compatibility/releases";
const oldServices = [
  implement(OldHandler, {
    buy({ name }) {
      if (name === "") throw new NanoError({ code: "not_found", message: "no such thing" });
      return { price: 7 };
    },
    look: ({ name }, ctx) => ctx.session.push(OldPush.looked, { name }),
  }),
];
const newServices = [
  implement(NewHandler, {
    ask: ({ name }) => ({ there: name === "hat" }),
    buy({ name, count }) {
      if (name === "") throw new NanoError({ code: "failed_precondition", message: "closed" });
      return { price: 7, left: 10 - count };
    },
    look: ({ name }, ctx) => {
      ctx.session.push(NewPush.arrived, { name });
      ctx.session.push(NewPush.looked, { name, shelf: "top" });
    },
  }),
];

let scratch: string;
let released: readonly ClientRelease[];
const started: Started[] = [];
const clients: Client[] = [];

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "nano-releases-"));
  const file = join(scratch, "clients.json");
  await release("1.0", "--file", file, `${folder}/one/gen/shop_client.ts`);
  await release("2.0", "--file", file, `${folder}/two/gen/shop_client.ts`);
  released = JSON.parse(await readFile(file, "utf8")).releases;
});

afterAll(() => rm(scratch, { recursive: true, force: true }));

afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
  for (const server of started.splice(0)) await server[Symbol.asyncDispose]();
});

async function release(...args: readonly string[]): Promise<void> {
  await releaseCommand.run(args, { print() {}, interrupted: new AbortController().signal });
}

async function start(services: typeof newServices | typeof oldServices, options?: ClientsOptions): Promise<Started> {
  const server = await startServer({ services, ...(options ? { clients: options } : {}) });
  started.push(server);
  return server;
}

function clientOf({ port }: Started): { readonly client: Client; readonly seen: ReturnType<typeof watchCodes> } {
  const seen = watchCodes(tcp({ host: "127.0.0.1", port }));
  const client = createClient({ transport: seen.transport, reconnect: false });
  clients.push(client);
  return { client, seen };
}

// `vitest run test/compatibility -u` writes them anew.
test.each(["one", "two"])("the generated code of release %s is what the plugin prints", async (name) => {
  const proto = await readFile(`${folder}/${name}/shop.proto`, "utf8");
  const files = await compile({ "shop.proto": proto });
  const parameter = "target=ts,import_extension=ts,erasable_syntax=true";
  const messages = printBy(["protoc-gen-es"], requestFor(files, ["shop.proto"], parameter));
  for (const [file, content] of Object.entries({ ...print(files, "shop.proto"), ...messages })) {
    await expect(content).toMatchFileSnapshot(join(import.meta.dirname, "releases", name, "gen", file));
  }
});

test.each([true, false])("old clients work with a newer server; it knows their release: %s", async (known) => {
  const server = await start(newServices, known ? { releases: released } : undefined);
  const { client, seen } = clientOf(server);
  const shop = client.service(OldClient);
  await client.connect();
  expect(await shop.buy({ name: "hat" })).toMatchObject({ price: 7 });
  // An error that the client's release did not know is one of the sixteen codes to it.
  const refused = await shop.buy({ name: "" }).result();
  expect(refused).toMatchObject({ ok: false, error: { code: "failed_precondition", declared: false } });
  const looked = next(shop.onLooked);
  shop.look({ name: "hat" });
  expect(await looked).toMatchObject({ name: "hat" });
  expect(seen.dictionary).toBe(known ? 0 : 5);
  // Both ways; the push that this release does not know comes by its name, or by the code that the server gave.
  expect(seen.sent).toEqual(known ? [1, 1, 2] : [3, 3, 4]);
  expect(seen.received.filter((code) => code >= 0)).toContain(known ? 3 : 5);
});

test("new clients work with an older server, as far as it goes", async () => {
  const { client, seen } = clientOf(await start(oldServices, { releases: released.slice(0, 1) }));
  const shop = client.service(NewClient);
  await client.connect();
  expect(await shop.buy({ name: "hat", count: 3 })).toMatchObject({ price: 7, left: 0 });
  expect(await shop.buy({ name: "" }).result()).toMatchObject({ ok: false, error: { code: "not_found", declared: true } });
  expect(await shop.ask({ name: "hat" }).result()).toMatchObject({ ok: false, error: { code: "not_found" } });
  const looked = next(shop.onLooked);
  shop.look({ name: "hat" });
  expect(await looked).toMatchObject({ name: "hat", shelf: "" });
  expect(seen.dictionary).toBe(3);
});

test("clients are counted by release, those that nobody knows too", async () => {
  const { reporter, all } = sampleReader();
  const server = await startServer({ services: newServices, clients: { releases: released }, reporters: [reporter] });
  started.push(server);
  const [old, other, bare] = [clientOf(server).client, clientOf(server).client, clientOf(server).client];
  old.service(OldClient);
  other.service({ ...NewClient, fingerprint: "0123456789abcdef" });
  await Promise.all([old.connect(), other.connect(), bare.connect()]);
  const count = (): unknown[] =>
    all().flatMap((sample) =>
      sample.name === "nano_clients" && "value" in sample
        ? [[sample.labels["release"], sample.labels["fingerprint"], sample.value]]
        : [],
    );
  const known = OldClient.fingerprint;
  expect(count().sort()).toEqual([
    ["", "none", 1],
    ["", "unknown", 1],
    ["1.0", known, 1],
  ]);
  await old.close();
  await expect
    .poll(() => count().sort())
    .toEqual([
      ["", "none", 1],
      ["", "unknown", 1],
      ["1.0", known, 0],
    ]);
});

test("a client below the minimum is told to update, and stays closed", async () => {
  const { reporter, value } = sampleReader();
  const clientsOptions = { releases: released, minimum: "2.0", updateReason: "get 2.0" };
  const server = await startServer({ services: newServices, clients: clientsOptions, reporters: [reporter] });
  started.push(server);
  expect(value("nano_must_update_total")).toBe(0);
  const { client } = clientOf(server);
  client.service(OldClient);
  const reason = await client.connect().catch((failure: unknown) => failure);
  expect(reason).toMatchObject({ code: "failed_precondition", message: "get 2.0", metadata: { code: "must_update" } });
  expect(client.state).toMatchObject({ name: "closed", reason: { kind: "kicked", code: "must_update", message: "get 2.0" } });
  expect(value("nano_must_update_total")).toBe(1);
  const { client: fresh } = clientOf(server);
  fresh.service(NewClient);
  await fresh.connect();
});

test("what is shipped with the next release is known by it, and stays so", () => {
  const [one, two] = released;
  const again = { name: "2.1", services: one?.services ?? {} };
  // The first release's code was shipped once more: it is not below the minimum.
  expect(() =>
    createServer({ clients: { releases: [one, two, again].filter((each) => each !== undefined), minimum: "2.1" } }),
  ).not.toThrow();
});

test.each<[string, ClientsOptions]>([
  ['clients.minimum is "3.0"', { releases: [], minimum: "3.0" }],
  [
    'two that are named "1"',
    {
      releases: [
        { name: "1", services: {} },
        { name: "1", services: {} },
      ],
    },
  ],
  ["no fingerprint", { releases: [{ name: "1", services: { a: { fingerprint: "x", routes: [] } } }] }],
  [
    "other routes",
    {
      releases: [
        { name: "1", services: { a: { fingerprint: "0123456789abcdef", routes: ["a"] } } },
        { name: "2", services: { a: { fingerprint: "0123456789abcdef", routes: ["b"] } } },
      ],
    },
  ],
])("releases that make no sense are refused: %s", async (words, options) => {
  await expect(startServer({ clients: options })).rejects.toThrow(words);
});

test("a release is noted once, and not otherwise", async () => {
  const file = join(scratch, "again.json");
  const one = `${folder}/one/gen/shop_client.ts`;
  await release("1.0", "--file", file, one);
  const first = await readFile(file, "utf8");
  await release("1.0", "--file", file, one);
  expect(await readFile(file, "utf8")).toBe(first);
  for (const [args, words] of [
    [["1.0", "--file", file, `${folder}/two/gen/shop_client.ts`], "a release 1.0 already"],
    [["1.1", "--file", file, `${folder}/one/gen/shop_pb.ts`], "has no services"],
    [["1.1", "--file", one, one], "is no file of releases"],
    [["1.1", one], "--file FILE"],
    [["--file", file], "NAME is missing"],
    [["1.1", "--file", file], "no MODULE"],
    [["1.1", "--file", file, "nowhere.ts"], "nowhere.ts cannot be read"],
  ] as const) {
    const refused = await release(...args).catch((reason: unknown) => reason);
    expect(refused).toBeInstanceOf(CommandError);
    expect((refused as Error).message).toContain(words);
  }
});
