import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeProxyHeader, ProxyHeaderError } from "../../src/net/proxy-header.ts";
import { extension, hexadecimal, proxyAddresses, proxyBinary, proxyLine } from "./proxy-headers.ts";

const most = 4_096;

function decode(bytes: Uint8Array): ReturnType<typeof decodeProxyHeader> {
  return decodeProxyHeader(bytes, most);
}

describe("a PROXY header", () => {
  test.each([
    ["TCP4 192.0.2.1 198.51.100.2 56324 443", "192.0.2.1"],
    ["TCP4 255.255.255.255 255.255.255.255 65535 65535", "255.255.255.255"],
    ["TCP4 0.0.0.0 0.0.0.0 0 0", "0.0.0.0"],
    ["TCP6 2001:db8::1 ::1 1 2", "2001:db8::1"],
    ["TCP6 2001:DB8:0:0::0001 ::1 1 2", "2001:db8::1"],
    ["TCP6 ::ffff:192.0.2.1 ::ffff:192.0.2.2 1 2", "192.0.2.1"],
    ["TCP6 ::ffff:c000:201 ::1 1 2", "192.0.2.1"],
    [`TCP6 ${"ffff:".repeat(7)}ffff ${"ffff:".repeat(7)}ffff 65535 65535`, `${"ffff:".repeat(7)}ffff`],
    ["UNKNOWN", undefined],
    [`UNKNOWN ${"ffff:".repeat(7)}ffff ${"ffff:".repeat(7)}ffff 65535 65535`, undefined],
    ["UNKNOWN whatever follows", undefined],
  ])("of version 1: %s", (rest, address) => {
    const line = proxyLine(rest);
    expect(decode(line)).toEqual({ bytes: line.length, address });
  });

  test.each([
    "",
    "TCP4",
    "TCP4 192.0.2.1 198.51.100.2 1",
    "TCP4 192.0.2.1 198.51.100.2 1 2 3",
    "TCP4 192.0.2.1 198.51.100.2 1 2 ",
    "TCP4  192.0.2.1 198.51.100.2 1 2",
    "TCP4 192.0.2.256 198.51.100.2 1 2",
    "TCP4 192.0.2.01 198.51.100.2 1 2",
    "TCP4 192.0.2.1 ::1 1 2",
    "TCP4 ::1 ::1 1 2",
    "TCP6 192.0.2.1 192.0.2.2 1 2",
    "TCP6 fe80::1%eth0 ::1 1 2",
    "TCP6 ::1%\x1b[31m ::1 1 2",
    "TCP4 192.0.2.1 198.51.100.2 65536 2",
    "TCP4 192.0.2.1 198.51.100.2 01 2",
    "TCP4 192.0.2.1 198.51.100.2 -1 2",
    "TCP4 192.0.2.1 198.51.100.2 1 0x2",
    "UDP4 192.0.2.1 198.51.100.2 1 2",
    "unknown",
    "UNKNOWNS",
    `UNKNOWN ${"x".repeat(92)}`,
  ])("is none: PROXY %s", (rest) => {
    expect(() => decode(proxyLine(rest))).toThrow(ProxyHeaderError);
  });

  test.each([
    ["a client by TCP over IPv4", proxyAddresses("192.0.2.1"), "192.0.2.1"],
    ["a client by TCP over IPv6", proxyAddresses("2001:db8::1:0:0:1"), "2001:db8::1:0:0:1"],
    ["a mapped one", proxyBinary(0x21, 0x21, Buffer.from(`${"0".repeat(20)}ffffc0000201${"0".repeat(40)}`, "hex")), "192.0.2.1"],
    ["extensions that nobody knows", proxyAddresses("192.0.2.1", extension(0xe7, new Uint8Array(300))), "192.0.2.1"],
    ["extensions cut off", proxyAddresses("192.0.2.1", Buffer.from([0xe7, 0xff])), "192.0.2.1"],
    ["the proxy itself", proxyBinary(0x20, 0x00, new Uint8Array()), undefined],
    ["the proxy itself, with an address", proxyBinary(0x20, 0x11, new Uint8Array(12)), undefined],
    ["the proxy itself, with anything", proxyBinary(0x20, 0xff, new Uint8Array(3)), undefined],
    ["a client of an unknown kind", proxyBinary(0x21, 0x00, extension(0x05, new Uint8Array(9))), undefined],
    ["a client by UDP", proxyBinary(0x21, 0x12, new Uint8Array(12)), undefined],
    ["a client by a socket of the machine", proxyBinary(0x21, 0x31, new Uint8Array(216)), undefined],
  ])("of version 2: %s", (_what, header, address) => {
    expect(decode(header)).toEqual({ bytes: header.length, address });
  });

  test.each([
    ["another version", proxyBinary(0x31, 0x11, new Uint8Array(12))],
    ["another command", proxyBinary(0x22, 0x11, new Uint8Array(12))],
    ["another family", proxyBinary(0x21, 0x41, new Uint8Array(216))],
    ["another transport", proxyBinary(0x21, 0x13, new Uint8Array(12))],
    ["too short for IPv4", proxyBinary(0x21, 0x11, new Uint8Array(11))],
    ["too short for IPv6", proxyBinary(0x21, 0x21, new Uint8Array(35))],
    ["too short for a path", proxyBinary(0x21, 0x31, new Uint8Array(215))],
  ])("of version 2 is none: %s", (_what, header) => {
    expect(() => decode(header)).toThrow(ProxyHeaderError);
  });

  test("of version 2 may be as long as the bound, not longer, and that is told by its first 16 bytes", () => {
    const at = proxyAddresses("192.0.2.1", new Uint8Array(most - 28));
    expect(at.length).toBe(most);
    expect(decode(at)?.bytes).toBe(most);
    const over = proxyAddresses("192.0.2.1", new Uint8Array(most - 27)).subarray(0, 16);
    expect(() => decode(over)).toThrow(`a PROXY header of ${most + 1} bytes: at most ${most} are taken`);
  });

  test("is refused at the first byte that cannot be", () => {
    for (const start of ["G", "\x16", "p", "PROXX", "PROXY\t", "\r\r", "\r\n\r\n\0\r\nQUIT\r"]) {
      expect(() => decode(Buffer.from(start, "latin1")), JSON.stringify(start)).toThrow("no PROXY header");
    }
    for (const start of ["PROXY TCP4\n", "PROXY \0", "PROXY TCP4 \rx"]) {
      expect(() => decode(Buffer.from(start, "latin1")), JSON.stringify(start)).toThrow("without an end");
    }
    expect(() => decode(proxyBinary(0x25, 0, new Uint8Array()).subarray(0, 13))).toThrow("command");
  });
});

describe("any PROXY header", () => {
  const address = fc.oneof(fc.ipV4(), fc.ipV6());
  const header = address.chain((client) =>
    fc.oneof(
      fc.constant({
        client,
        bytes: proxyLine(client.includes(":") ? `TCP6 ${client} ::1 1 2` : `TCP4 ${client} 192.0.2.9 1 2`),
      }),
      fc.uint8Array({ maxLength: 64 }).map((more) => ({ client, bytes: proxyAddresses(client, more) })),
    ),
  );

  test("is known by all of it, by no piece of it, and ends where it ends", () => {
    fc.assert(
      fc.property(header, fc.uint8Array({ maxLength: 32 }), ({ client, bytes }, tail) => {
        for (let length = 0; length < bytes.length; length++) expect(decode(bytes.subarray(0, length))).toBe(undefined);
        const whole = decode(bytes);
        expect(whole?.bytes).toBe(bytes.length);
        expect(hexadecimal(whole?.address ?? "")).toBe(hexadecimal(client));
        expect(decode(Buffer.concat([bytes, tail]))).toEqual(whole);
      }),
      { numRuns: 300 },
    );
  });

  test("bytes of any kind are a header, the start of one, or an error of its class; never more is wanted than the bound", () => {
    const noise = fc.uint8Array({ maxLength: 200 });
    const started = fc
      .tuple(fc.constantFrom(proxyLine("TCP4 1"), proxyAddresses("192.0.2.1"), proxyAddresses("::1")), fc.nat(40), noise)
      .map(([start, length, rest]) => Buffer.concat([start.subarray(0, length), rest]));
    fc.assert(
      fc.property(fc.oneof(noise, started), (bytes) => {
        try {
          const read = decodeProxyHeader(bytes, 120);
          if (read) expect(read.bytes).toBeLessThanOrEqual(Math.min(bytes.length, 120));
          else expect(bytes.length).toBeLessThan(120);
        } catch (reason) {
          expect(reason).toBeInstanceOf(ProxyHeaderError);
        }
      }),
      { numRuns: 3_000 },
    );
  });
});
