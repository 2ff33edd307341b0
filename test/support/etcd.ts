import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Child, startChild } from "./child.ts";
import { freePort } from "./port.ts";

/** What an etcd of a test is started with. */
export interface EtcdStart {
  /** Beside addresses and folder. */
  readonly flags?: readonly string[];
  /** Clients come by TLS: paths of PEM files. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly clientCa?: string };
}

/** A real etcd of a test, in a folder of its own. */
export interface Etcd {
  /** As "127.0.0.1:2379". */
  readonly endpoint: string;
  /** How many calls of a name it has answered since it was started, as "Range". */
  calls(method: string): Promise<number>;
  /** The process as it is now. */
  readonly child: Child;
  /** kill -9. */
  kill(): Promise<void>;
  /** Starts it again at the same ports, on the data that is there, or on none. */
  restart(options?: { readonly empty: boolean }): Promise<void>;
  stop(): Promise<void>;
}

/** Starts etcd (Debian's etcd-server) on free ports. Rejects where it is not installed. */
export async function startEtcd({ flags = [], tls }: EtcdStart = {}): Promise<Etcd> {
  const folder = await mkdtemp(join(tmpdir(), "nano-etcd-"));
  const [client, peer, metrics] = [await freePort(), await freePort(), await freePort()];
  const clientUrl = `${tls ? "https" : "http"}://127.0.0.1:${client}`;
  const metricsUrl = `http://127.0.0.1:${metrics}`;
  const peerUrl = `http://127.0.0.1:${peer}`;
  const start = async (): Promise<Child> => {
    const child = startChild("etcd", [
      ...["--data-dir", folder, "--listen-client-urls", clientUrl, "--advertise-client-urls", clientUrl],
      ...["--listen-peer-urls", peerUrl, "--initial-advertise-peer-urls", peerUrl, "--initial-cluster", `default=${peerUrl}`],
      ...["--listen-metrics-urls", metricsUrl],
      ...(tls ? ["--cert-file", tls.cert, "--key-file", tls.key] : []),
      ...(tls?.clientCa ? ["--client-cert-auth", "--trusted-ca-file", tls.clientCa] : []),
      ...flags,
    ]);
    await etcdAnswers(`${metricsUrl}/health`, child);
    return child;
  };
  let child = await start();
  return {
    endpoint: `127.0.0.1:${client}`,
    async calls(method) {
      const text = await (await fetch(`${metricsUrl}/metrics`)).text();
      const counted = text.matchAll(new RegExp(`^grpc_server_handled_total{.*grpc_method="${method}".*} (\\S+)$`, "gm"));
      return [...counted].reduce((sum, [, count]) => sum + Number(count), 0);
    },
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

/** Waits until it is ready. Rejects where the process ends before. */
export async function etcdAnswers(url: string, child: Child): Promise<void> {
  const untilMs = Date.now() + 20_000;
  while (Date.now() < untilMs) {
    if (child.process.exitCode !== null) break;
    try {
      if ((await fetch(url)).ok) return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  await child.end("SIGKILL");
  // Its own words, if it had any.
  await child
    .line(() => false, 0)
    .catch(({ message }: Error) => Promise.reject(new Error(`etcd does not start (Debian's etcd-server): ${message}`)));
}
