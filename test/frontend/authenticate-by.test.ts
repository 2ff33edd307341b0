import { authenticateBy, createServer, type Server, silentLogger, tcp } from "nano-rpc";
import { type Client, createClient, type NanoError } from "nano-rpc/client";
import { tcp as dial } from "nano-rpc/client/tcp";
import { afterEach, expect, test } from "vitest";
import { sleep, systemClock } from "../../src/clock/index.ts";
import { type HopsSession, HopsSessionSchema } from "../schema/gen/hops/v1/hops_pb.ts";

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A server that decides by a message, and what it was given. */
async function start(): Promise<{ readonly server: Server; readonly seen: HopsSession[] }> {
  const seen: HopsSession[] = [];
  const server = createServer({
    ...{ log: silentLogger, acceptors: [tcp({ port: 0 })] },
    authenticate: authenticateBy(HopsSessionSchema, async (data, { platform }) => {
      seen.push(data);
      await sleep(systemClock, 1);
      return data.text === "" ? { code: "nameless", reason: `who are you, ${platform}?` } : { user: data.text };
    }),
  });
  await server.start();
  cleanups.push(() => server.stop({ graceMs: 0 }));
  return { server, seen };
}

async function come(server: Server, user: object | undefined): Promise<NanoError | Client> {
  const [host = "", port = ""] = (server.addresses["tcp"] ?? "").split(":");
  const client = createClient({
    transport: dial({ host, port: Number(port) }),
    handshake: { platform: "test", ...(user ? { user } : {}) },
  });
  cleanups.push(() => client.close());
  return client.connect().then(
    () => client,
    (reason: NanoError) => reason,
  );
}

test("what a client says is a message by the time it is decided on; unknown fields are passed over", async () => {
  const { server, seen } = await start();
  const client = await come(server, { text: "ann", large: "9223372036854775807", raw: "AQI=", later: true });
  expect(client).toMatchObject({ state: { name: "open" } });
  expect(seen).toMatchObject([{ text: "ann", large: 9_223_372_036_854_775_807n, raw: Uint8Array.of(1, 2) }]);
});

test("a client that says nothing says the empty message, and is refused with code and reason", async () => {
  const { server, seen } = await start();
  const refused = await come(server, undefined);
  expect(refused).toMatchObject({ message: "who are you, test?" });
  expect(seen).toHaveLength(1);
});

test.each([
  ["another type", { text: 7, secret: "hunter2" }],
  ["a list", { text: ["ann"] }],
  ["a number out of range", { large: "9223372036854775808" }],
])("%s is no such message: nobody decides on it, and it is not repeated", async (_what, user) => {
  const { server, seen } = await start();
  const refused = await come(server, user);
  expect(refused).toMatchObject({ code: "invalid_argument", message: "the handshake's user is no hops.v1.HopsSession" });
  expect(seen).toEqual([]);
});
