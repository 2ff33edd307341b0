import { isIP } from "node:net";
import { decodeProxyHeader, ProxyHeaderError } from "../../../src/net/proxy-header.ts";
import { bytesOf, holds, type Target } from "../engine/target.ts";

const maxBytes = 4_096;
const start = bytesOf("\r\n\r\n\0\r\nQUIT\n");
const four = Uint8Array.of(10, 0, 0, 1, 10, 0, 0, 2, 0x1f, 0x90, 0, 80);
const six = Uint8Array.from({ length: 36 }, (_none, at) => (at < 2 ? 0x20 : at));

function binary(command: number, family: number, body: Uint8Array): Uint8Array {
  return bytesOf(start, command, family, body.length >> 8, body.length & 0xff, body);
}

/** What a proxy says before the first byte of a connection. */
export const proxyHeader: Target = {
  name: "proxy-header",
  throws: ProxyHeaderError,
  maxBytes: 8_192,
  tokens: [
    "PROXY ",
    "TCP4 ",
    "TCP6 ",
    "UNKNOWN",
    " ",
    "\r\n",
    "\0",
    "::1",
    "255.255.255.255",
    "65535",
    "%eth0",
    "::ffff:10.0.0.1",
    start,
  ],
  seeds() {
    const lines = [
      "PROXY TCP4 10.0.0.1 10.0.0.2 8080 80\r\n",
      "PROXY TCP4 10.0.0.1 10.0.0.2 8080 80\r\n\u0001\u0000\u0000\u0002{}",
      "PROXY TCP6 2001:db8::1 ::1 8080 80\r\n",
      "PROXY TCP6 ::ffff:10.0.0.1 ::1 1 1\r\n",
      "PROXY TCP6 fe80::1%eth0 ::1 1 1\r\n",
      "PROXY UNKNOWN\r\n",
      "PROXY UNKNOWN whatever it says\r\n",
      "PROXY TCP4 10.0.0.1 10.0.0.2 65536 80\r\n",
      "PROXY TCP4 10.0.0.1 10.0.0.2 080 80\r\n",
      "PROXY TCP4 010.0.0.1 10.0.0.2 80 80\r\n",
      "PROXY TCP4 ::1 ::1 80 80\r\n",
      "PROXY TCP4  10.0.0.1 10.0.0.2 80 80\r\n",
      "PROXY TCP4 10.0.0.1 10.0.0.2 80 80\n",
      "PROXY TCP4 10.0.0.1 10.0.0.2 80 80\r",
      "PROXY TCP5 a b 1 2\r\n",
      "PROXY ",
      "PROX",
      `PROXY TCP6 ${"f".repeat(200)}`,
      "GET / HTTP/1.1\r\n",
      "",
    ];
    const all: Record<string, Uint8Array> = {};
    for (const [index, line] of lines.entries()) all[`line-${index}`] = bytesOf(line);
    all["binary-tcp4"] = binary(0x21, 0x11, four);
    all["binary-tcp6"] = binary(0x21, 0x21, six);
    all["binary-with-extensions"] = binary(0x21, 0x11, bytesOf(four, Uint8Array.of(4, 0, 2, 0, 0)));
    all["binary-with-more-behind"] = bytesOf(binary(0x21, 0x11, four), "\u0001\u0000\u0000\u0002{}");
    all["binary-health-check"] = binary(0x20, 0, bytesOf());
    all["binary-health-check-filled"] = binary(0x20, 0x77, bytesOf("anything"));
    for (const family of [0x00, 0x12, 0x22, 0x31, 0x32, 0x99])
      all[`binary-family-${family}`] = binary(0x21, family, new Uint8Array(216));
    all["binary-too-short"] = binary(0x21, 0x21, four);
    all["binary-version-3"] = binary(0x31, 0x11, four);
    all["binary-too-long"] = bytesOf(start, 0x21, 0x11, 0xff, 0xff);
    all["binary-cut"] = binary(0x21, 0x11, four).subarray(0, 20);
    return all;
  },
  run(bytes) {
    const header = decodeProxyHeader(bytes, maxBytes);
    const whole = header?.bytes ?? bytes.length;
    if (header) {
      holds(whole > 0 && whole <= Math.min(bytes.length, maxBytes), `a header of ${whole} bytes`);
      holds(header.address === undefined || isIP(header.address) > 0, `the address ${header.address}`);
      holds(decodeProxyHeader(bytes.subarray(0, whole), maxBytes)?.address === header.address, "what follows changes it");
    }
    // It comes in whatever pieces: as long as it is not there, nothing is said, neither yes nor no.
    for (const part of [1, whole >> 1, whole - 1]) {
      if (part < whole)
        holds(decodeProxyHeader(bytes.subarray(0, part), maxBytes) === undefined, `${part} bytes of it are enough`);
    }
  },
};
