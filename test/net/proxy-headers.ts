import { isIPv4 } from "node:net";

const signature = Buffer.from("0d0a0d0a000d0a515549540a", "hex");

/** A header of version 1. */
export function proxyLine(rest: string): Buffer {
  return Buffer.from(`PROXY ${rest}\r\n`, "latin1");
}

/** A header of version 2, put together by hand. */
export function proxyBinary(command: number, family: number, body: Uint8Array): Buffer {
  const head = Buffer.from([command, family, body.length >> 8, body.length & 0xff]);
  return Buffer.concat([signature, head, body]);
}

/** A header of version 2 for a client by TCP, and whatever is to follow its addresses. */
export function proxyAddresses(client: string, more: Uint8Array = new Uint8Array()): Buffer {
  const both = [client, isIPv4(client) ? "192.0.2.9" : "2001:db8::9"].map(addressBytes);
  return proxyBinary(0x21, isIPv4(client) ? 0x11 : 0x21, Buffer.concat([...both, Buffer.from([0xd4, 0x31, 0x0c, 0xb2]), more]));
}

/** An extension of version 2. */
export function extension(type: number, value: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([type, value.length >> 8, value.length & 0xff]), value]);
}

/** An IPv6 address in its shortest spelling without dots; of an IPv4 one, its mapping. Two spellings of one address give the same. */
export function hexadecimal(address: string): string {
  return new URL(`http://[${isIPv4(address) ? "::ffff:" : ""}${address}]`).hostname.slice(1, -1);
}

function addressBytes(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split(".").map(Number));
  const [head = "", tail = ""] = hexadecimal(address).split("::");
  const groups = (text: string): string[] => (text === "" ? [] : text.split(":"));
  const missing = 8 - groups(head).length - groups(tail).length;
  const all = [...groups(head), ...Array<string>(missing).fill("0"), ...groups(tail)];
  return Buffer.from(all.map((group) => group.padStart(4, "0")).join(""), "hex");
}
