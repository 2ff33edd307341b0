import { EventEmitter } from "node:events";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createContext, runInContext } from "node:vm";

/** The API of pomelo's browser client. */
export interface Pomelo {
  init(
    params: { readonly host: string; readonly port: number; readonly user?: object; readonly reconnect?: boolean },
    cb: () => void,
  ): void;
  request(route: string, msg: object, cb: (data: unknown) => void): void;
  notify(route: string, msg: object): void;
  on(event: string, listener: (data: unknown) => void): void;
  disconnect(): void;
}

/** A page with pomelo's own client in it, as it comes from npm. */
export interface PomeloPage {
  readonly pomelo: Pomelo;
  /** Every packet that it sent, whole. */
  readonly sent: readonly Uint8Array[];
  /** Every packet that it got. */
  readonly received: readonly Uint8Array[];
}

const require = createRequire(import.meta.url);
const sources = [
  require.resolve("pomelo-protocol/lib/protocol.js"),
  require.resolve("pomelo-jsclient-websocket/lib/pomelo-client.js"),
].map((path) => readFileSync(path, "utf8"));

/** Opens one. The client is the global of a page, so each has its own. */
export function openPomeloPage(): PomeloPage {
  const sent: Uint8Array[] = [];
  const received: Uint8Array[] = [];
  class WatchedSocket extends WebSocket {
    constructor(url: string) {
      super(url);
      this.addEventListener("message", ({ data }) => received.push(new Uint8Array(data)));
    }
    override send(data: ArrayBuffer): void {
      sent.push(new Uint8Array(data.slice(0)));
      super.send(data);
    }
  }
  const silent = { log: () => {}, error: () => {} };
  const page: Record<string, unknown> = {
    module: { exports: {} },
    WebSocket: WatchedSocket,
    EventEmitter,
    console: silent,
    localStorage: { getItem: () => null, setItem: () => {} },
    setTimeout,
    clearTimeout,
  };
  page["window"] = page;
  const context = createContext(page);
  for (const source of sources) runInContext(source, context);
  // What the script hangs on its window.
  return { pomelo: page["pomelo"] as Pomelo, sent, received };
}
