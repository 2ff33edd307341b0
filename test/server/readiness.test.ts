import { connect, createServer as listen } from "node:net";
import { createServer, memory, type Server, type ServerOptions, silentLogger, tcp } from "nano-rpc";
import { afterEach, describe, expect, test } from "vitest";
import { chatRooms } from "../../examples/chat/src/rooms.ts";
import { freePort } from "../support/port.ts";

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start(options: ServerOptions): Promise<Server> {
  const server = createServer({ log: silentLogger, http: {}, ...options });
  await server.start();
  cleanups.push(() => server.stop({ graceMs: 0 }));
  return server;
}

/** What a probe hears. */
async function probe(server: Server): Promise<readonly [number, unknown]> {
  const answer = await fetch(`http://${server.addresses["http"]}/readyz`);
  const { reasons } = (await answer.json()) as { readonly reasons: unknown };
  return [answer.status, reasons];
}

describe("/readyz and links", () => {
  test("a frontend that reaches no room is not ready, says so, and is ready again without any client", async () => {
    const discovery = memory();
    const port = await freePort();
    // Others are told of an address where nobody listens yet.
    const room = await start({ discovery, services: chatRooms(), cluster: { advertise: `127.0.0.1:${port}` } });
    const gate = await start({ discovery, acceptors: [tcp({ port: 0 })] });
    await expect.poll(() => gate.servers("room").length).toBe(1);
    await expect.poll(() => probe(gate)).toEqual([503, ["no link to room"]]);
    expect(gate.readiness).toEqual({ state: "ready", ready: false, reasons: ["no link to room"] });
    // The room waits for nobody.
    expect(await probe(room)).toEqual([200, []]);

    const [host = "", to] = (room.addresses["cluster"] ?? "").split(":");
    const way = listen((socket) => {
      const on = connect(Number(to), host);
      socket.pipe(on).pipe(socket);
      for (const end of [socket, on]) end.on("error", () => end.destroy());
    });
    await new Promise<void>((resolve) => way.listen(port, "127.0.0.1", resolve));
    cleanups.push(() => way.close());
    await expect.poll(() => probe(gate), { timeout: 10_000 }).toEqual([200, []]);
  });

  test("neither a room without gates nor a gate without rooms is kept from being ready", async () => {
    const room = await start({ discovery: memory(), services: chatRooms() });
    const gate = await start({ discovery: memory(), acceptors: [tcp({ port: 0 })] });
    expect([await probe(room), await probe(gate)]).toEqual([
      [200, []],
      [200, []],
    ]);
  });

  test("a gate whose rooms all drain stays ready", async () => {
    const discovery = memory();
    const room = await start({ discovery, services: chatRooms() });
    const gate = await start({ discovery, acceptors: [tcp({ port: 0 })] });
    await expect.poll(() => gate.servers("room").length).toBe(1);
    expect(await probe(gate)).toEqual([200, []]);
    await room.stop({ graceMs: 1_000 });
    await expect.poll(() => gate.servers("room").length).toBe(0);
    expect(await probe(gate)).toEqual([200, []]);
  });
});
