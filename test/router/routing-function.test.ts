import { type Logger, NanoError, type RoutingFunction, type Server, type ServerInfo, silentLogger } from "nano-rpc";
import type { Client } from "nano-rpc/client";
import { createTestCluster, type TestCluster } from "nano-rpc/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { RoomClient } from "../schema/gen/rooms/v1/rooms_client.ts";
import { RoomAdminMethod, RoomAdminRemote, RoomMethod } from "../schema/gen/rooms/v1/rooms_nano.ts";
import { RoomSessionSchema } from "../schema/gen/rooms/v1/rooms_pb.ts";
import { rooms, type Seen } from "./rooms.ts";

const never = (): Promise<never> => new Promise(() => {});

let cluster: TestCluster;
let gate: Server;
let client: Client;
let room: RoomClient;
let choose: RoutingFunction;
const errors: object[] = [];
const seen = new Map<string, Seen>();
const log: Logger = { ...silentLogger, error: (fields: object) => void errors.push(fields) };

beforeEach(async () => {
  cluster = createTestCluster();
  errors.length = 0;
  choose = () => undefined;
  for (const id of ["room-1", "room-2", "room-3"]) {
    const made = rooms(never);
    seen.set(id, made.seen);
    await cluster.start({ id, services: made.services, metadata: { region: id.replace("room", "region") } });
  }
  const router: RoutingFunction = (...args) => choose(...args);
  gate = await cluster.start({ id: "gate-1", types: ["gate"], frontend: true, log, routers: { room: router } });
  client = await cluster.connect("gate-1", { encoding: "json" });
  room = client.service(RoomClient);
});
afterEach(() => cluster.stop());

const named = (id: string) => (_call: unknown, servers: readonly ServerInfo[]) => servers.find((server) => server.id === id);
const code = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => "ok",
    (reason: unknown) => NanoError.from(reason).code,
  );

/** Both ways that a call can begin. */
const ways: readonly [string, (where: string) => Promise<{ readonly server: string }>][] = [
  ["a client's", (where) => room.visit({ where })],
  ["a server's", (where) => gate.remote(RoomAdminRemote).call({ where })],
];

describe.each(ways)("a routing function, and %s call", (_way, call) => {
  test("says who answers: by the message, typed, and by what servers say of themselves", async () => {
    choose = (routed, servers) => {
      const where = routed.is(RoomMethod.visit) || routed.is(RoomAdminMethod.call) ? routed.message.where : "";
      return servers.find(({ metadata }) => metadata["region"] === where);
    };
    for (const at of [1, 2, 3, 2]) expect((await call(`region-${at}`)).server).toBe(`room-${at}`);
  });

  test("may leave it to the schema", async () => {
    const servers = new Set<string>();
    for (let at = 0; at < 10; at++) servers.add((await call("")).server);
    for (const server of servers) expect(["room-1", "room-2", "room-3"]).toContain(server);
  });

  test("may take its time", async () => {
    choose = async (routed, servers) => {
      await Promise.resolve();
      return routed.is(RoomMethod.close) ? undefined : named("room-2")(routed, servers);
    };
    for (let at = 0; at < 5; at++) expect((await call("")).server).toBe("room-2");
  });

  test.each<[string, RoutingFunction]>([
    [
      "throws",
      () => {
        throw new Error("secret");
      },
    ],
    ["rejects", () => Promise.reject(new Error("secret"))],
  ])("that %s is internal, and logged; nobody else hears why", async (_what, broken) => {
    choose = broken;
    const error = await call("").then(() => undefined, NanoError.from);
    expect(error).toMatchObject({ code: "internal", message: "the routing of room failed" });
    expect(errors).toEqual([{ server: "gate-1", type: "room", err: expect.objectContaining({ message: "secret" }) }]);
  });

  test.each<[string, RoutingFunction]>([
    [
      "throws",
      () => {
        throw new NanoError({ code: "resource_exhausted", message: "all worlds are full" });
      },
    ],
    ["rejects with", () => Promise.reject(new NanoError({ code: "resource_exhausted", message: "all worlds are full" }))],
  ])("that %s a NanoError answers with it", async (_what, full) => {
    choose = full;
    const error = await call("").then(() => undefined, NanoError.from);
    expect(error).toMatchObject({ code: "resource_exhausted", message: "all worlds are full" });
    expect(errors).toEqual([]);
  });

  test("that names a server which is not there is unavailable", async () => {
    const [one] = gate.servers("room");
    if (!one) throw new Error("no server");
    for (const chosen of [{ ...one, id: "room-9", incarnation: 9n }, gate.info]) {
      choose = () => chosen;
      const error = await settled(call("").then(() => undefined, NanoError.from));
      expect(error).toMatchObject({ code: "unavailable" });
      expect(error?.message).toContain(`the routing of room chose the server "${chosen.id}", which is not there`);
    }
  });

  test("that hangs is deadline_exceeded, and what comes later goes on", async () => {
    choose = never;
    const hanging = code(call(""));
    await cluster.settle();
    choose = named("room-3");
    await cluster.advance(5_200);
    expect(await hanging).toBe("deadline_exceeded");
    expect((await call("")).server).toBe("room-3");
  });
});

/** What comes of it, while the clock moves: what is unavailable may be tried once more. */
async function settled<T>(promise: Promise<T>): Promise<T> {
  let over = false;
  void promise.finally(() => {
    over = true;
  });
  for (let at = 0; at < 50 && !over; at++) await cluster.advance(20);
  return promise;
}

describe("a routing function", () => {
  test("knows the session: its user, its roles, its client and its data", async () => {
    const told: unknown[] = [];
    choose = ({ route, key, session }) => {
      const { user, roles, client: info } = session ?? {};
      told.push({ route, key, user, roles, platform: info?.platform, region: session?.data(RoomSessionSchema).region });
      return undefined;
    };
    await room.visit({ where: "x" });
    await room.enter({ room: "lobby" });
    const common = { user: undefined, roles: [], platform: expect.any(String), region: "" };
    expect(told).toEqual([
      { route: "room.room.visit", key: undefined, ...common },
      { route: "room.room.enter", key: "lobby", ...common },
    ]);
    await gate.remote(RoomAdminRemote).call({});
    expect(told[2]).toEqual({
      route: "room.roomAdmin.call",
      key: undefined,
      user: undefined,
      roles: undefined,
      platform: undefined,
      region: undefined,
    });
  });

  test("is asked for an owned key only until it has a home", async () => {
    let asked = 0;
    choose = (call, servers) => {
      asked++;
      return named("room-2")(call, servers);
    };
    for (let at = 0; at < 5; at++) expect(await room.enter({ room: "lobby" })).toMatchObject({ server: "room-2", before: at });
    expect(asked).toBe(1);
    choose = named("room-3");
    expect((await room.enter({ room: "lobby" })).server).toBe("room-2");
    expect((await room.enter({ room: "hall" })).server).toBe("room-3");
    // A claim stands, whatever another gate's function says.
    await cluster.start({ id: "gate-2", types: ["gate"], frontend: true, routers: { room: named("room-1") } });
    const other = (await cluster.connect("gate-2")).service(RoomClient);
    expect((await other.enter({ room: "lobby" })).server).toBe("room-2");
  });

  test("holds up what the session says later, so that the order stays", async () => {
    const gates: ((id: string) => void)[] = [];
    choose = (call, servers) =>
      new Promise((resolve) => {
        gates.push((id) => resolve(named(id)(call, servers)));
      });
    for (let number = 1; number <= 3; number++) room.count({ room: "lobby", number });
    const entered = room.enter({ room: "lobby" });
    await cluster.settle();
    expect(gates).toHaveLength(1);
    gates[0]?.("room-2");
    expect((await entered).server).toBe("room-2");
    expect(seen.get("room-2")?.numbers).toEqual([1, 2, 3]);
    expect(gates).toHaveLength(1);
  });

  test("that is still at it when its session ends hurts nobody", async () => {
    const held = Promise.withResolvers<undefined>();
    choose = () => held.promise;
    const visit = code(room.visit({}));
    await cluster.settle();
    await client.close();
    await cluster.settle();
    held.resolve(undefined);
    await cluster.settle();
    expect(await visit).not.toBe("ok");
    expect(errors).toEqual([]);
  });

  test("is of the type that it is given for, and must be a function", async () => {
    const routers = { room: "room-1" as unknown as RoutingFunction };
    await expect(cluster.start({ id: "gate-9", types: ["gate"], routers })).rejects.toThrow(/routers.room/);
  });
});
