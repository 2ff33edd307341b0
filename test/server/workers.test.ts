import { createServer as listenOn } from "node:net";
import { execPath } from "node:process";
import { fileURLToPath } from "node:url";
import { Etcd3 } from "etcd3";
import { createClient } from "nano-rpc/client";
import { tcp as dial } from "nano-rpc/client/tcp";
import { afterEach, expect, test } from "vitest";
import { RoomClient } from "../../examples/chat/gen/chat/v1/chat_client.ts";
import { until } from "../net/recorder.ts";
import { type Child, startChild } from "../support/child.ts";
import { startEtcd } from "../support/etcd.ts";
import { freePort } from "../support/port.ts";

interface Ready {
  readonly pid: number;
  readonly id: string;
  readonly addresses: Readonly<Record<string, string>>;
}

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const script = fileURLToPath(new URL("served.ts", import.meta.url));

function serve(...flags: readonly string[]): Child {
  const child = startChild(execPath, ["--conditions=nano-source", script, ...flags]);
  cleanups.push(() => child.end("SIGKILL"));
  return child;
}

async function ready(child: Child, fits: (ready: Ready) => boolean): Promise<Ready> {
  const read = (line: string): Ready | undefined => (line.startsWith("ready ") ? JSON.parse(line.slice(6)) : undefined);
  const line = await child.line((one) => {
    const found = read(one);
    return found !== undefined && fits(found);
  }, 60_000);
  return read(line) as Ready;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test("workers share a port, are servers of their own, come back when they die, and end together", async () => {
  const registry = await startEtcd();
  cleanups.push(() => registry.stop());
  const raw = new Etcd3({ hosts: `http://${registry.endpoint}` });
  cleanups.push(() => raw.close());
  const [port, http] = [await freePort(), await freePort()];
  const child = serve(
    ...["--workers", "2", "--id", "chat", "--tcp.listen", `127.0.0.1:${port}`, "--etcd.endpoints", registry.endpoint],
    ...["--etcd.leaseMs", "2000", "--http.listen", `127.0.0.1:${http}`, "--prometheus"],
  );
  const one = await ready(child, ({ id }) => id === "chat-1");
  const two = await ready(child, ({ id }) => id === "chat-2");
  const ids = async (): Promise<readonly string[]> => {
    const keys = await raw.getAll().prefix("/nano/servers/room/").keys();
    return keys.map((key) => key.slice(key.lastIndexOf("/") + 1)).sort();
  };
  await expect.poll(ids, { timeout: 10_000 }).toEqual(["chat-1", "chat-2"]);
  expect([one.addresses["http"], two.addresses["http"]]).toEqual([`127.0.0.1:${http}`, `127.0.0.1:${http + 1}`]);

  // The system shares by chance: of 32 clients one gets none once in 2,000,000,000 times.
  const clients = Array.from({ length: 32 }, () =>
    createClient({ transport: dial({ host: "127.0.0.1", port }), reconnect: false }),
  );
  cleanups.push(() => Promise.all(clients.map((client) => client.close())));
  await Promise.all(clients.map((client) => client.connect()));
  const sessions = async (at: string | undefined): Promise<number> => {
    const text = await (await fetch(`http://${at}/metrics`)).text();
    return Number(/^nano_sessions (\d+)$/m.exec(text)?.[1]);
  };
  const shares = [await sessions(one.addresses["http"]), await sessions(two.addresses["http"])] as const;
  expect(shares[0] + shares[1]).toBe(32);
  expect(Math.min(...shares)).toBeGreaterThan(0);
  const [ann, bob] = clients as [(typeof clients)[0], (typeof clients)[0]];
  await ann.service(RoomClient).join({ room: "lobby", name: "ann" });
  await bob.service(RoomClient).join({ room: "lobby", name: "bob" });

  process.kill(one.pid, "SIGKILL");
  const again = await ready(child, ({ id, pid }) => id === "chat-1" && pid !== one.pid);
  await expect.poll(ids, { timeout: 10_000 }).toEqual(["chat-1", "chat-2"]);
  await until(() => isAlive(one.pid)).toBe(false);

  expect(await child.end("SIGTERM")).toBe(0);
  expect([again.pid, two.pid].filter(isAlive)).toEqual([]);
  expect(await ids()).toEqual([]);
}, 120_000);

test("where a worker does not come up in the first place all end, with its exit code", async () => {
  const taken = listenOn();
  cleanups.push(() => new Promise((closed) => taken.close(closed)));
  const port = await freePort();
  await new Promise<void>((resolve) => void taken.listen(port, "127.0.0.1", () => resolve()));
  const child = serve("--workers", "2", "--tcp.listen", `127.0.0.1:${port}`);
  const code = await new Promise((resolve) => child.process.once("exit", resolve));
  expect(code).toBe(1);
}, 60_000);
