import { createServer, type Lifecycle, type Module, moduleKey, silentLogger, tcp } from "nano-rpc";
import { createTestCluster } from "nano-rpc/testing";
import { describe, expect, test } from "vitest";
import { RoomClient } from "../../examples/chat/gen/chat/v1/chat_client.ts";
import { chatRooms } from "../../examples/chat/src/rooms.ts";
import { freePort } from "../support/port.ts";
import { playServices } from "./play.ts";

const never = (): Promise<void> => new Promise(() => {});

function recording(name: string, log: string[], failing?: keyof Lifecycle): Lifecycle {
  const step = (hook: keyof Lifecycle) => (): void => {
    log.push(`${name} ${hook}`);
    if (hook === failing) throw new Error(`${name} ${hook} fails`);
  };
  return { init: step("init"), afterInit: step("afterInit"), beforeShutdown: step("beforeShutdown"), shutdown: step("shutdown") };
}

const store = moduleKey<{ readonly name: string }>("store");

function storeModule(log: string[]): Module<{ readonly name: string }> {
  return {
    key: store,
    init: () => {
      log.push("store init");
      return { name: "the store" };
    },
    shutdown: () => void log.push("store shutdown"),
  };
}

describe("a server's life", () => {
  test("modules come first and go last, services between, each hook once", async () => {
    const log: string[] = [];
    const server = createServer({
      modules: [storeModule(log)],
      services: playServices(never, recording("play", log)).services,
      log: silentLogger,
    });
    await server.start();
    expect(server.module(store).name).toBe("the store");
    await Promise.all([server.stop(), server.stop()]);
    expect(log).toEqual(["store init", "play init", "play afterInit", "play beforeShutdown", "play shutdown", "store shutdown"]);
  });

  test("a failing init stops the start, and shuts down in reverse what had started", async () => {
    const log: string[] = [];
    const server = createServer({
      modules: [storeModule(log)],
      services: playServices(never, recording("play", log, "init")).services,
      acceptors: [tcp({ port: 0 })],
      log: silentLogger,
    });
    await expect(server.start()).rejects.toThrow("play init fails");
    expect(log).toEqual(["store init", "play init", "store shutdown"]);
    expect(server.addresses).toEqual({});
    await server.stop();
  });

  test("a port that is taken stops the start, and names the port", async () => {
    const port = await freePort();
    const first = createServer({ acceptors: [tcp({ port })], log: silentLogger });
    await first.start();
    const log: string[] = [];
    const second = createServer({
      acceptors: [tcp({ port })],
      services: playServices(never, recording("play", log)).services,
      log: silentLogger,
    });
    await expect(second.start()).rejects.toThrow(String(port));
    expect(log).toEqual(["play init", "play afterInit", "play shutdown"]);
    await first.stop();
  });

  test("a service that is missing a method, or comes twice, is refused", () => {
    const { services } = playServices(never);
    expect(() => createServer({ services: [...services, ...services], log: silentLogger })).toThrow();
  });

  test("stopping tells clients to move, and answers what is under way", async () => {
    await using cluster = createTestCluster();
    const server = await cluster.start({ id: "gate-1", frontend: true, services: chatRooms() });
    const client = await cluster.connect("gate-1", { reconnect: false });
    await client.service(RoomClient).join({ room: "lobby", name: "ann" });
    const stopped = server.stop();
    await cluster.advance(1_000);
    await stopped;
    expect(client.state).toMatchObject({ name: "closed", reason: { kind: "draining", code: "moved" } });
  });
});
