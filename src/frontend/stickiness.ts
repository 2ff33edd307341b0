import type { ServerInfo } from "../discovery/index.ts";
import type { ServerKey } from "../router/index.ts";

/** The servers that one session is stuck to, by types: those that answered it last. */
export class Stickiness {
  #servers: Map<string, ServerKey> | undefined;
  #toldGone: Set<bigint> | undefined;
  // Most often the next answer is the same server's.
  #lastType: string | undefined;
  #last: ServerInfo | undefined;

  get servers(): ReadonlyMap<string, ServerKey> {
    return this.#servers ?? new Map();
  }

  of(type: string): ServerKey | undefined {
    return this.#servers?.get(type);
  }

  /** It was stuck to these at another frontend. */
  adopt(servers: ReadonlyMap<string, ServerKey>): void {
    if (servers.size > 0) this.#servers = new Map(servers);
    this.#last = undefined;
  }

  answeredBy(type: string, server: ServerInfo): void {
    if (server === this.#last && type === this.#lastType) return;
    this.#last = server;
    this.#lastType = type;
    this.#servers ??= new Map();
    this.#servers.set(type, server);
  }

  /** The types for which the session was stuck to a server. */
  typesOf(incarnation: bigint): string[] {
    const types: string[] = [];
    for (const [type, server] of this.#servers ?? []) if (server.incarnation === incarnation) types.push(type);
    return types;
  }

  /** A server is gone. True the first time: its client hears so once. */
  isNews(incarnation: bigint): boolean {
    if (this.#toldGone?.has(incarnation)) return false;
    this.#toldGone ??= new Set();
    this.#toldGone.add(incarnation);
    return true;
  }
}
