import type { Listener } from "../net/index.ts";

/** As "127.0.0.1:3250" or "[::1]:3250". */
export function addressOf({ host, port }: Pick<Listener, "host" | "port">): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
