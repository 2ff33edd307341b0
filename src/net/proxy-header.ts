import { isIPv4, isIPv6, SocketAddress } from "node:net";
import { plainAddress } from "./plain-address.ts";

/** What a proxy says of a connection before its first byte (HAProxy's PROXY protocol, version 1 or 2). */
export interface ProxyHeader {
  /** How many bytes it took. */
  readonly bytes: number;
  /** The client's; undefined where the proxy speaks for itself (a health check), or of a client without an address. */
  readonly address: string | undefined;
}

/** What came is no header of the PROXY protocol, or one over its bound. */
export class ProxyHeaderError extends Error {
  override readonly name = "ProxyHeaderError";
}

const textStart = Buffer.from("PROXY ", "latin1");
const binaryStart = Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1");
// A line of version 1, its end included.
const longestLine = 107;
const binaryHeadBytes = 16;

/**
 * Reads a header from the start of what has come.
 *
 * @param maxBytes How long one of version 2 may be; a line of version 1 has at most 107 bytes.
 * @returns undefined while more is needed.
 * @throws {ProxyHeaderError} At the first byte that cannot be.
 */
export function decodeProxyHeader(bytes: Uint8Array, maxBytes: number): ProxyHeader | undefined {
  if (startsAs(bytes, textStart)) return bytes.length < textStart.length ? undefined : decodeLine(bytes);
  if (startsAs(bytes, binaryStart)) return decodeBinary(bytes, maxBytes);
  throw new ProxyHeaderError("no PROXY header");
}

function startsAs(bytes: Uint8Array, start: Uint8Array): boolean {
  const length = Math.min(bytes.length, start.length);
  return start.subarray(0, length).every((byte, at) => byte === bytes[at]);
}

function decodeLine(bytes: Uint8Array): ProxyHeader | undefined {
  const text = Buffer.from(bytes.subarray(0, longestLine)).toString("latin1");
  const end = text.indexOf("\r\n");
  if (end < 0) {
    if (bytes.length >= longestLine || /[\n\0]|\r./.test(text)) throw new ProxyHeaderError("a PROXY line without an end");
    return undefined;
  }
  const [, family = "", ...rest] = text.slice(0, end).split(" ");
  // Whatever follows is to be ignored.
  if (family === "UNKNOWN") return { bytes: end + 2, address: undefined };
  const [source = "", destination = "", ...ports] = rest;
  const isAddress = family === "TCP4" ? isIPv4 : family === "TCP6" ? isPlainIPv6 : () => false;
  if (!isAddress(source) || !isAddress(destination) || ports.length !== 2 || !ports.every(isPort)) {
    throw new ProxyHeaderError("a PROXY line that makes no sense");
  }
  return { bytes: end + 2, address: family === "TCP4" ? source : canonical(source) };
}

// Node takes a zone ("fe80::1%eth0") for part of an address: what follows the sign could be any text.
function isPlainIPv6(text: string): boolean {
  return isIPv6(text) && !text.includes("%");
}

function isPort(text: string): boolean {
  return /^(0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 0xffff;
}

function canonical(address: string): string {
  return plainAddress(new SocketAddress({ address, family: "ipv6" }).address);
}

// Version 2, then the command; family, then transport.
const local = 0x20;
const proxied = 0x21;
const tcp4 = 0x11;
const tcp6 = 0x21;
// Nothing known, datagrams, and sockets of the proxy's machine: legal, and without an address of use here. With the bytes they take.
const others: ReadonlyMap<number, number> = new Map([
  [0x00, 0],
  [0x12, 12],
  [0x22, 36],
  [0x31, 216],
  [0x32, 216],
]);

function decodeBinary(bytes: Uint8Array, maxBytes: number): ProxyHeader | undefined {
  const [command = proxied, family = 0] = bytes.subarray(binaryStart.length);
  if (command !== local && command !== proxied) throw new ProxyHeaderError("a PROXY command that nobody knows");
  if (bytes.length < binaryHeadBytes) return undefined;
  const length = ((bytes[14] ?? 0) << 8) | (bytes[15] ?? 0);
  const end = binaryHeadBytes + length;
  if (end > maxBytes) throw new ProxyHeaderError(`a PROXY header of ${end} bytes: at most ${maxBytes} are taken`);
  // A proxy that speaks for itself may fill the rest with anything.
  const least = command === local ? 0 : family === tcp4 ? 12 : family === tcp6 ? 36 : others.get(family);
  if (least === undefined) throw new ProxyHeaderError("a PROXY family that nobody knows");
  if (length < least) throw new ProxyHeaderError("a PROXY header too short for its addresses");
  if (bytes.length < end) return undefined;
  // Behind the addresses come extensions, which are skipped.
  const address = command === local ? undefined : addressAt(bytes, family);
  return { bytes: end, address };
}

function addressAt(bytes: Uint8Array, family: number): string | undefined {
  if (family === tcp4) return bytes.subarray(binaryHeadBytes, binaryHeadBytes + 4).join(".");
  if (family !== tcp6) return undefined;
  return canonical(
    Buffer.from(bytes.subarray(binaryHeadBytes, binaryHeadBytes + 16))
      .toString("hex")
      .replace(/.{4}(?=.)/g, "$&:"),
  );
}
