import { parseArgs } from "node:util";
import { systemClock, systemRandom } from "../../clock/index.ts";
import { type Http2Net, systemNet } from "../../net/index.ts";
import { type Command, CommandError } from "../command.ts";
import { type Registry, startRegistry } from "./registry.ts";

const help = `Usage: nano-cli registry [--port PORT] [--host HOST]

Stands in for etcd while you develop: several processes on one machine find each
other by it. It answers a part of etcd's v3 API (keys, transactions, leases,
watches) over gRPC, without TLS and without users. All is in memory, and gone when
it ends. It is not for production.

  --port PORT  0 picks one (default: 2379)
  --host HOST  of this machine only: 127.0.0.1 to 127.255.255.254, ::1, or
               localhost for 127.0.0.1 (default: 127.0.0.1)

Servers use it as any etcd: discovery: etcd({ endpoints: ["127.0.0.1:2379"] })`;

const warning =
  "nano-cli registry is for development, NOT FOR PRODUCTION: all is in memory, and everybody on this machine may read and change it";

/** `nano-cli registry`. */
export const registryCommand: Command = {
  name: "registry",
  help,
  async run(args, { print, interrupted }) {
    const at = readArgs(args);
    const { http2 } = systemNet;
    if (!http2) throw new CommandError("there is no HTTP/2 here");
    print(warning);
    const registry = await listen({ ...at, http2 });
    print(`listening on ${registry.endpoint}: discovery is etcd://${registry.endpoint}`);
    if (!interrupted.aborted) await new Promise((resolve) => interrupted.addEventListener("abort", resolve, { once: true }));
    await registry.close();
    return 0;
  },
};

function readArgs(args: readonly string[]): { readonly host: string; readonly port: number } {
  const { host, port } = parse(args);
  const number = /^\d{1,5}$/.test(port) ? Number(port) : Number.NaN;
  if (!(number <= 65_535)) throw new CommandError(`--port is a number from 0 to 65535, not "${port}"`);
  const address = host === "localhost" ? "127.0.0.1" : host;
  if (!isLoopback(address)) {
    throw new CommandError(
      `it listens on this machine's loopback only, as 127.0.0.1, ::1 or localhost, not on "${host}": ` +
        "it has no users and no TLS. Use a real etcd for more than one machine",
    );
  }
  return { host: address, port: number };
}

function parse(args: readonly string[]): { readonly host: string; readonly port: string } {
  const options = { host: { type: "string", default: "127.0.0.1" }, port: { type: "string", default: "2379" } } as const;
  try {
    return parseArgs({ args: [...args], options }).values;
  } catch (reason) {
    throw new CommandError(`${reason instanceof Error ? reason.message : reason} (see nano-cli registry --help)`);
  }
}

// Names would be looked up, and may mean anything.
function isLoopback(address: string): boolean {
  const parts = address.split(".");
  const isNumber = (part: string): boolean => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255;
  return address === "::1" || (parts.length === 4 && parts[0] === "127" && parts.every(isNumber));
}

async function listen(at: { readonly host: string; readonly port: number; readonly http2: Http2Net }): Promise<Registry> {
  try {
    return await startRegistry({ ...at, clock: systemClock, random: systemRandom });
  } catch (reason) {
    if (!(reason instanceof Error && "code" in reason)) throw reason;
    const why = reasons.get(reason.code) ?? reason.message;
    throw new CommandError(`it cannot listen on ${at.host}:${at.port}: ${why}`);
  }
}

const reasons = new Map<unknown, string>([
  ["EADDRINUSE", "the port is in use. Another registry or an etcd may be running: use that one, or another port by --port"],
  ["EACCES", "the port may not be used. Use another by --port"],
  ["EADDRNOTAVAIL", "this machine has no such address"],
]);
