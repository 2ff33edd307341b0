import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { createServer, implement, NanoError, type Server, type Service, silentLogger, tcp } from "nano-rpc";
import { type Client, createClient } from "nano-rpc/client";
import { tcp as dial } from "nano-rpc/client/tcp";
import { fuzzJson, fuzzService } from "nano-rpc/testing/schema";
import { afterEach, expect, test } from "vitest";
import { EchoClient } from "../../bench/gen/bench/v1/echo_client.ts";
import { EchoHandler } from "../../bench/gen/bench/v1/echo_nano.ts";
import { EchoRequestSchema } from "../../bench/gen/bench/v1/echo_pb.ts";
import { FanoutClient } from "../../bench/gen/bench/v1/fanout_client.ts";
import { LoginClient } from "../../bench/gen/bench/v1/login_client.ts";
import { echo } from "../../bench/src/echo.ts";
import { fanout } from "../../bench/src/fanout.ts";
import { login } from "../../bench/src/login.ts";
import { RoomClient } from "../../examples/chat/gen/chat/v1/chat_client.ts";
import { RoomHandler } from "../../examples/chat/gen/chat/v1/chat_nano.ts";
import { chatRooms } from "../../examples/chat/src/rooms.ts";

const servers: Server[] = [];
const seed = 1;

afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop({ graceMs: 100 });
});

type Connect = (encoding?: "protobuf" | "json") => Promise<Client>;

/** Starts a server, and gives what opens sessions with it. */
async function serve(...services: readonly Service[]): Promise<Connect> {
  const server = createServer({ log: silentLogger, acceptors: [tcp({ port: 0 })], services });
  servers.push(server);
  await server.start();
  const port = Number(server.addresses["tcp"]?.split(":").at(-1));
  return async (encoding = "protobuf") => {
    const transport = dial({ host: "127.0.0.1", port });
    const client = createClient({ transport, reconnect: false, encoding, serializers: encoding === "json" ? [fuzzJson] : [] });
    await client.connect();
    return client;
  };
}

function failureOf(run: Promise<unknown>): Promise<string> {
  return run.then(
    () => "passed",
    (reason: unknown) => String(reason),
  );
}

test.each(["protobuf", "json"] as const)(
  "the chat stands every input in %s",
  async (encoding) => {
    const open = await serve(...chatRooms());
    const connect = (): Promise<Client> => open(encoding);
    let people = 0;
    const enter = async (): Promise<Client> => {
      const client = await connect();
      await client.service(RoomClient).join({ room: "lobby", name: `person ${++people}` });
      return client;
    };
    const joined = await fuzzService({ service: RoomClient, connect, encoding, seed, except: ["say"] });
    const said = await fuzzService({ service: RoomClient, connect: enter, encoding, seed });
    const join = { ...joined["room.room.join"] };
    expect(Object.keys(join)).toContain("ok");
    expect(Object.keys(join)).toContain("invalid_argument");
    // Messages that decode are said, all others told to be none.
    expect(said["room.room.say"]?.["ok"]).toBeGreaterThan(200);
    expect(said["room.room.say"]?.["invalid_argument"]).toBeGreaterThan(20);
    expect(said["room.room.say"]).not.toHaveProperty("unauthenticated");
  },
  60_000,
);

test("who is nobody may not say anything, whatever it is", async () => {
  const report = await fuzzService({ service: RoomClient, connect: await serve(...chatRooms()), seed, except: ["join"] });
  expect(report["room.room.say"]?.["unauthenticated"]).toBeGreaterThan(200);
  expect(report["room.room.say"]).not.toHaveProperty("ok");
}, 60_000);

test.each(["protobuf", "json"] as const)(
  "the services of the benchmarks stand every input in %s",
  async (encoding) => {
    const opening = async (service: Service): Promise<() => Promise<Client>> => {
      const open = await serve(service);
      return () => open(encoding);
    };
    const of = { encoding, seed };
    const echoed = await fuzzService({ service: EchoClient, connect: await opening(echo("async")), ...of });
    expect(echoed["echo.echo.echo"]?.["ok"]).toBeGreaterThan(200);
    await fuzzService({ service: FanoutClient, connect: await opening(fanout()), ...of });
    // Whoever is somebody already cannot become another: the cluster's own answer.
    await fuzzService({ service: LoginClient, connect: await opening(login()), ...of, allow: ["failed_precondition"] });
  },
  60_000,
);

test("a handler that throws is found, with the smallest input that makes it", async () => {
  const buggy = implement(EchoHandler, {
    echo({ seq, name, text }) {
      if (seq > 1_000) throw new TypeError("cannot read properties of undefined");
      return { seq, name, text };
    },
  });
  const failure = await failureOf(fuzzService({ service: EchoClient, connect: await serve(buggy), seed }));
  expect(failure).toContain("echo.echo.echo, valid input:");
  expect(failure).toMatch(/"seq":\s*1001\b/);
  expect(failure).toContain("echo.echo.echo answered internal");
  expect(failure).toMatch(/seed: 1\b/);
}, 60_000);

test("an error that is not declared is found, and may be allowed", async () => {
  const service = implement(EchoHandler, {
    echo() {
      throw new NanoError({ code: "aborted", message: "not now" });
    },
  });
  const connect = await serve(service);
  expect(await failureOf(fuzzService({ service: EchoClient, connect, seed, runs: 5 }))).toContain("answered aborted: not now");
  const report = await fuzzService({ service: EchoClient, connect, seed, runs: 5, allow: ["aborted"] });
  expect(report["echo.echo.echo"]?.["aborted"]).toBeGreaterThan(5);
}, 60_000);

test("a handler that does not answer is found at the deadline, and not asked again", async () => {
  let asked = 0;
  const service = implement(EchoHandler, {
    async echo(request) {
      asked++;
      return new Promise<never>(() => request);
    },
  });
  const failure = await failureOf(fuzzService({ service: impatient(), connect: await serve(service), seed }));
  expect(failure).toContain("answered deadline_exceeded");
  expect(asked).toBe(1);
}, 60_000);

/** The same service, whose callers wait half a second. */
function impatient(): typeof EchoClient {
  const { echo: method } = EchoClient.methods;
  if (method?.kind !== "request") throw new Error("echo is a request");
  return { ...EchoClient, methods: { echo: { ...method, timeoutMs: 500 } } };
}

test("a notify that fails is found", async () => {
  const [rooms] = chatRooms();
  if (!rooms) throw new Error("no rooms");
  const deaf = implement(RoomHandler, {
    join: async ({ room, name }, { session }) => {
      await session.bind(name);
      return { members: [room] };
    },
    say() {
      throw new TypeError("no");
    },
  });
  const connect = await serve(deaf);
  const enter = async (): Promise<Client> => {
    const client = await connect();
    await client.service(RoomClient).join({ name: "ann" });
    return client;
  };
  const failure = await failureOf(fuzzService({ service: RoomClient, connect: enter, seed, except: ["join"] }));
  expect(failure).toContain("room.room.say answered internal");
}, 60_000);

test("a session that a server cuts off is found", async () => {
  const service = implement(EchoHandler, {
    echo({ seq, name, text }, { session }) {
      void session.kick({ code: "bored", reason: "bored of it" });
      return { seq, name, text };
    },
  });
  expect(await failureOf(fuzzService({ service: EchoClient, connect: await serve(service), seed }))).toContain(
    "answered unavailable",
  );
}, 60_000);

test("what is valid may be made by hand", async () => {
  const seen = new Set<string>();
  const service = implement(EchoHandler, {
    echo(request) {
      seen.add(request.name);
      return {};
    },
  });
  const valid = { echo: fc.constant(create(EchoRequestSchema, { name: "by hand" })) };
  await fuzzService({ service: EchoClient, connect: await serve(service), seed, runs: 5, valid });
  expect(seen).toContain("by hand");
  await expect(fuzzService({ service: EchoClient, connect: never, valid: { ech: valid.echo } })).rejects.toThrow(
    'no method "ech"',
  );
  await expect(fuzzService({ service: EchoClient, connect: never, except: ["ech"] })).rejects.toThrow('no method "ech"');
}, 60_000);

function never(): never {
  throw new Error("never asked");
}
