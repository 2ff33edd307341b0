import type { Acceptor } from "../acceptor/index.ts";
import type { Connection } from "./connection.ts";

/** How many connections of an acceptor have come how far: `handshake` until it is acknowledged, then `open`. */
export interface ConnectionCount {
  readonly acceptor: string;
  readonly state: "handshake" | "open";
  readonly count: number;
}

/** Looks at all of them: whoever asks does so now and then. */
export function* countConnections(acceptors: readonly Acceptor[], connections: Iterable<Connection>): Iterable<ConnectionCount> {
  const open = new Map(acceptors.map(({ name }) => [name, 0]));
  const handshake = new Map(open);
  for (const { acceptor, acknowledged } of connections) {
    const of = acknowledged ? open : handshake;
    of.set(acceptor, (of.get(acceptor) ?? 0) + 1);
  }
  for (const [acceptor, count] of handshake) yield { acceptor, state: "handshake", count };
  for (const [acceptor, count] of open) yield { acceptor, state: "open", count };
}
