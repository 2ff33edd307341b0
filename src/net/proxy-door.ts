import { BlockList, isIP, type Server, type Socket } from "node:net";
import { systemClock } from "../clock/index.ts";
import type { ListenOptions, ProxyOptions } from "./net.ts";
import { plainAddress } from "./plain-address.ts";
import { decodeProxyHeader, ProxyHeaderError } from "./proxy-header.ts";

const defaultHeaderMs = 5_000;
const defaultHeaderBytes = 4_096;

/** Reads what trusted proxies say before the first byte of a connection, and knows afterwards whose it is. */
export interface ProxyDoor {
  /** Takes a connection when its header is read; one of a stranger as it is. */
  before(take: (socket: Socket) => void): (socket: Socket) => void;
  /** Stands before the listeners that the server has for connections by now, as those of TLS and HTTP. */
  guard(server: Server): void;
  /** The address of the client, of a socket or what lies over it. */
  clientOf(socket: Socket): string;
}

/** @throws {TypeError} What is trusted is no address and no network. */
export function createProxyDoor({ proxy, refused }: Pick<ListenOptions, "proxy" | "refused">): ProxyDoor {
  const own = (socket: Socket): string => plainAddress(socket.remoteAddress);
  if (!proxy) return { before: (take) => take, guard: () => {}, clientOf: own };
  const trusted = trustList(proxy.trusted);
  // A socket of TLS does not say on which socket it lies; but both have the same two ends.
  const clients = new Map<string, { readonly client: string }>();

  const before: ProxyDoor["before"] = (take) => (socket) => {
    if (socket.destroyed) return;
    const address = own(socket);
    if (!trusted.check(address, address.includes(":") ? "ipv6" : "ipv4")) return take(socket);
    readHeader(socket, proxy, {
      read(client = address) {
        const ends = endsOf(socket);
        const entry = { client };
        clients.set(ends, entry);
        // The next connection with the same ends may have come before this one's end was heard.
        socket.once("close", () => clients.get(ends) === entry && clients.delete(ends));
        take(socket);
      },
      failed: (error) => refused?.(address, error),
    });
  };

  return {
    before,
    guard(server) {
      const listeners = server.listeners("connection");
      server.removeAllListeners("connection");
      server.on(
        "connection",
        before((socket) => {
          for (const listener of listeners) listener.call(server, socket);
        }),
      );
    },
    clientOf: (socket) => clients.get(endsOf(socket))?.client ?? own(socket),
  };
}

function trustList(trusted: readonly string[]): BlockList {
  const list = new BlockList();
  for (const text of trusted) {
    const [address = "", bits, ...more] = text.split("/");
    const version = isIP(address);
    const most = version === 4 ? 32 : 128;
    const prefix = bits === undefined ? most : /^\d{1,3}$/.test(bits) ? Number(bits) : -1;
    if (version === 0 || address.includes("%") || more.length > 0 || prefix < 0 || prefix > most) {
      throw new TypeError(`proxy.trusted: "${text}" is no address, and no network as "10.0.0.0/8"`);
    }
    list.addSubnet(address, prefix, version === 4 ? "ipv4" : "ipv6");
  }
  return list;
}

function endsOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
}

/** Takes a header off a socket; what came behind it is as if it came first. A socket that brings none in time is closed. */
function readHeader(
  socket: Socket,
  options: ProxyOptions,
  then: { read(client: string | undefined): void; failed(error: ProxyHeaderError): void },
): void {
  let held = Buffer.alloc(0);
  const look = (): void => {
    for (let bytes: Buffer | null = socket.read(); bytes !== null; bytes = socket.read()) held = Buffer.concat([held, bytes]);
    try {
      const header = decodeProxyHeader(held, options.headerBytes ?? defaultHeaderBytes);
      if (!header) return;
      over();
      if (held.length > header.bytes) socket.unshift(held.subarray(header.bytes));
      then.read(header.address);
    } catch (reason) {
      if (!(reason instanceof ProxyHeaderError)) throw reason;
      fail(reason);
    }
  };
  const fail = (error: ProxyHeaderError): void => {
    over();
    socket.destroy();
    then.failed(error);
  };
  // Whoever only looks whether somebody listens has said nothing wrong.
  const gone = (): void => {
    over();
    socket.destroy();
  };
  const timer = systemClock.after(options.headerMs ?? defaultHeaderMs, () =>
    fail(new ProxyHeaderError("no PROXY header in time")),
  );
  const over = (): void => {
    timer.cancel();
    socket.off("readable", look).off("end", gone).off("close", gone);
  };
  socket.on("error", () => {});
  socket.on("readable", look).on("end", gone).on("close", gone);
}
