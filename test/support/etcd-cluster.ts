import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Child, startChild } from "./child.ts";
import { etcdAnswers } from "./etcd.ts";
import { freePort } from "./port.ts";

/** Three real etcds that are one. */
export interface EtcdCluster {
  /** As "127.0.0.1:2379". */
  readonly endpoints: readonly string[];
  signal(at: number, signal: NodeJS.Signals): void;
  /** Starts one that was killed, on its data. */
  restart(at: number): Promise<void>;
  stop(): Promise<void>;
}

/** Starts three on free ports, which elect a leader among them. */
export async function startEtcdCluster(): Promise<EtcdCluster> {
  const folder = await mkdtemp(join(tmpdir(), "nano-etcds-"));
  const ports: { readonly client: number; readonly peer: number }[] = [];
  for (let at = 0; at < 3; at++) ports.push({ client: await freePort(), peer: await freePort() });
  const url = (port: number): string => `http://127.0.0.1:${port}`;
  const all = ports.map(({ peer }, at) => `n${at}=${url(peer)}`).join(",");
  const start = ({ client, peer }: { readonly client: number; readonly peer: number }, at: number): Child =>
    startChild("etcd", [
      ...["--name", `n${at}`, "--data-dir", join(folder, `n${at}`), "--initial-cluster", all],
      ...["--listen-client-urls", url(client), "--advertise-client-urls", url(client)],
      ...["--listen-peer-urls", url(peer), "--initial-advertise-peer-urls", url(peer)],
    ]);
  const children = ports.map(start);
  const ready = async (at: number): Promise<void> => {
    const [port, child] = [ports[at], children[at]];
    if (port && child) await etcdAnswers(`${url(port.client)}/health`, child);
  };
  await Promise.all(ports.map((_port, at) => ready(at)));
  return {
    endpoints: ports.map(({ client }) => `127.0.0.1:${client}`),
    signal: (at, signal) => void children[at]?.process.kill(signal),
    async restart(at) {
      const port = ports[at];
      await children[at]?.end("SIGKILL");
      if (port) children[at] = start(port, at);
      await ready(at);
    },
    async stop() {
      await Promise.all(children.map((child) => child.end("SIGKILL")));
      await rm(folder, { recursive: true, force: true });
    },
  };
}
