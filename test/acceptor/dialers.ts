import { connect } from "node:net";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import type { Dial } from "nano-rpc/testing";
import { WebSocket } from "ws";

/** By TCP, or TLS over it: packets follow each other bare. */
export function tcpDialer(tls?: ConnectionOptions): Dial {
  return (address, events) => {
    const at = partsOf(address);
    const socket = tls ? connectTls({ ...at, ...tls }) : connect(at);
    socket.on("data", (bytes: Buffer) => events.data(bytes));
    socket.once("close", () => events.closed());
    return new Promise((resolve, reject) => {
      socket.on("error", reject);
      socket.once(tls ? "secureConnect" : "connect", () =>
        resolve({
          send: (packet) => void socket.write(packet),
          close: () => void socket.destroy(),
        }),
      );
    });
  };
}

/** By WebSocket: a packet a message. */
export function webSocketDialer(tls?: ConnectionOptions, path = ""): Dial {
  return (address, events) => {
    const socket = new WebSocket(`${tls ? "wss" : "ws"}://${address}${path}`, { ...tls });
    socket.on("message", (bytes: Buffer) => events.data(bytes));
    return new Promise((resolve, reject) => {
      socket.on("error", reject);
      socket.once("close", () => events.closed());
      socket.once("open", () =>
        resolve({
          send: (packet) => socket.send(packet),
          close: () => socket.terminate(),
        }),
      );
    });
  };
}

function partsOf(address: string): { readonly host: string; readonly port: number } {
  const colon = address.lastIndexOf(":");
  return { host: address.slice(0, colon).replace(/^\[|\]$/g, ""), port: Number(address.slice(colon + 1)) };
}
