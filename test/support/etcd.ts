import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Child, startChild } from "./child.ts";

/** A real etcd of a test, in a folder of its own. */
export interface Etcd {
  /** As "127.0.0.1:2379". */
  readonly endpoint: string;
  /** The process as it is now. */
  readonly child: Child;
  /** kill -9. */
  kill(): Promise<void>;
  /** Starts it again at the same ports, on the data that is there, or on none. */
  restart(options?: { readonly empty: boolean }): Promise<void>;
  stop(): Promise<void>;
}

/** Starts etcd (Debian's etcd-server) on free ports. Rejects where it is not installed. */
export async function startEtcd(): Promise<Etcd> {
  const folder = await mkdtemp(join(tmpdir(), "nano-etcd-"));
  const [client, peer] = [await freePort(), await freePort()];
  const clientUrl = `http://127.0.0.1:${client}`;
  const peerUrl = `http://127.0.0.1:${peer}`;
  const start = async (): Promise<Child> => {
    const child = startChild("etcd", [
      ...["--data-dir", folder, "--listen-client-urls", clientUrl, "--advertise-client-urls", clientUrl],
      ...["--listen-peer-urls", peerUrl, "--initial-advertise-peer-urls", peerUrl, "--initial-cluster", `default=${peerUrl}`],
    ]);
    await answers(`${clientUrl}/health`, child);
    return child;
  };
  let child = await start();
  return {
    endpoint: `127.0.0.1:${client}`,
    get child() {
      return child;
    },
    async kill() {
      await child.end("SIGKILL");
    },
    async restart({ empty } = { empty: false }) {
      if (empty) await rm(folder, { recursive: true, force: true });
      child = await start();
    },
    async stop() {
      await child.end("SIGKILL");
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A port that nothing listened on a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => (typeof address === "object" && address ? resolve(address.port) : reject(new Error("no port"))));
    });
  });
}

async function answers(url: string, child: Child): Promise<void> {
  const untilMs = Date.now() + 20_000;
  while (Date.now() < untilMs) {
    if (child.process.exitCode !== null) break;
    try {
      if ((await fetch(url)).ok) return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  throw new Error("etcd does not start: install Debian's etcd-server");
}
