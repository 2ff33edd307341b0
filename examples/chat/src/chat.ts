import { readFileSync } from "node:fs";
import { createServer, etcd, type LogLevel, memory, tcp, webSocket } from "nano-rpc";
import { type Page, servePage } from "./page.ts";
import { chatRooms } from "./rooms.ts";

/** Which part of the chat one process is. */
export interface ChatOptions {
  /** Unique in the cluster. */
  readonly id: string;
  /** "gate" holds clients, "room" runs the rooms. */
  readonly roles: readonly string[];
  /** "memory", or "etcd://HOST:PORT[,HOST:PORT]". */
  readonly discovery: string;
  /** Where the cluster's keys lie in etcd. */
  readonly prefix: string;
  /** Ports of a gate; 0 picks one, undefined leaves it out. */
  readonly ws: number | undefined;
  readonly tcp: number | undefined;
  readonly http: number | undefined;
  /** Where other servers reach this one, as "127.0.0.1:0". */
  readonly cluster: string;
  /** A file with the secret of the cluster, of at least 32 bytes; or with two, a line each, while the first takes the place of the second. */
  readonly tokenFile: string | undefined;
  /** What clients speak that do not say: "json", the default, or "protobuf", for Pitaya's command line with `-docs nano.docs`. */
  readonly encoding?: string;
  /** From which level on it logs. The default is "info". */
  readonly logLevel?: LogLevel;
}

/** What listens; null where nothing does. */
export interface Ready {
  readonly id: string;
  readonly roles: readonly string[];
  readonly ws: number | null;
  readonly tcp: number | null;
  readonly http: number | null;
  readonly cluster: string | null;
}

/** A running part of the chat. */
export interface Chat {
  readonly ready: Ready;
  stop(): Promise<void>;
}

// People read before they say who they are.
const unboundMs = 600_000;

/** Starts one process of the chat. */
export async function startChat(options: ChatOptions): Promise<Chat> {
  const { id, roles, discovery, prefix, cluster, tokenFile } = options;
  const endpoints = /^etcd:\/\/(.+)$/.exec(discovery)?.[1]?.split(",");
  if (!endpoints && discovery !== "memory") throw new TypeError(`--discovery is memory or etcd://HOST:PORT, not ${discovery}`);
  const tokens =
    tokenFile === undefined
      ? []
      : readFileSync(tokenFile, "utf8")
          .trim()
          .split(/\s*\n\s*/);
  const gate = roles.includes("gate");
  const server = createServer({
    id,
    types: gate ? ["gate"] : [],
    discovery: endpoints ? etcd({ endpoints, prefix }) : memory(),
    cluster: { listen: cluster, tokens },
    acceptors: gate
      ? [
          ...(options.ws === undefined ? [] : [webSocket({ port: options.ws })]),
          ...(options.tcp === undefined ? [] : [tcp({ port: options.tcp })]),
        ]
      : [],
    services: roles.includes("room") ? chatRooms() : [],
    encoding: options.encoding ?? "json",
    // For whoever develops: people of a real chat are not told its schema.
    reflection: true,
    limits: { unboundMs },
  });
  server.log.level = options.logLevel ?? "info";
  await server.start();
  const { addresses } = server;
  const ws = portOf(addresses["ws"]);
  let page: Page | undefined;
  if (gate && options.http !== undefined && ws !== null) page = await servePage({ port: options.http, webSocketPort: ws });
  return {
    ready: { id, roles, ws, tcp: portOf(addresses["tcp"]), http: page?.port ?? null, cluster: addresses["cluster"] ?? null },
    async stop() {
      await page?.close();
      await server.stop();
    },
  };
}

function portOf(address: string | undefined): number | null {
  return address === undefined ? null : Number(address.slice(address.lastIndexOf(":") + 1));
}
