import { hostPort } from "../host-port.ts";
import type { ServerOptions } from "../server-options.ts";

/** Which of the workers this process is, from 1 on; undefined: none. */
export function workerNumber(env: Readonly<Record<string, string | undefined>>): number | undefined {
  const text = env["NANO_WORKER"];
  return text === undefined ? undefined : Number(text);
}

/** The options of one of several like processes: ports of clients are shared, all else is its own, the nth counted on from the first. */
export function asWorker(options: ServerOptions, number: number): ServerOptions {
  const { id, cluster, http } = options;
  return {
    ...options,
    sharePorts: true,
    ...(id === undefined ? {} : { id: `${id}-${number}` }),
    ...(cluster ? { cluster: { ...cluster, ...own(cluster, number) } } : {}),
    ...(http ? { http: { ...http, ...own(http, number) } } : {}),
  };
}

interface Addresses {
  readonly listen?: string;
  readonly advertise?: string;
}

function own({ listen, advertise }: Addresses, number: number): Addresses {
  return {
    ...(listen === undefined ? {} : { listen: countedOn(listen, number) }),
    ...(advertise === undefined ? {} : { advertise: countedOn(advertise, number) }),
  };
}

function countedOn(address: string, number: number): string {
  const { host, port } = hostPort(address);
  return port === 0 ? address : `${host.includes(":") ? `[${host}]` : host}:${port + number - 1}`;
}
