import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execPath } from "node:process";
import { createServer, memory, silentLogger } from "nano-rpc";
import { afterAll, describe, expect, test } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "nano-strangers-"));
afterAll(() => rmSync(folder, { recursive: true }));

const token = "a secret of the cluster, over 32 bytes";

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

interface Ended {
  readonly code: number | string | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program as it is started by hand. */
function run(program: string, args: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(execPath, ["--conditions=nano-source", program, ...args], { timeout: 30_000 }, (error, stdout, stderr) =>
      resolve({ code: error ? (error.code ?? undefined) : 0, stdout, stderr }),
    );
  });
}

describe.each(["examples/chat/src/main.ts", "bench/src/server.ts"])("%s", (program) => {
  test.each<[string, string, readonly string[], RegExp]>([
    [
      "without a secret",
      "0.0.0.0:0",
      [],
      /^the cluster port on 0\.0\.0\.0 is open to strangers: set cluster\.tokens \(by --token-file\)/,
    ],
    ["without a secret, by IPv6", "[::]:0", [], /^the cluster port on :: is open to strangers: set cluster\.tokens/],
    [
      "with a secret that is too short",
      "0.0.0.0:0",
      ["--token-file", file("short", "short")],
      /^cluster\.tokens \(by --token-file\): a token has at least 32/,
    ],
    [
      "with an empty secret",
      "0.0.0.0:0",
      ["--token-file", file("empty", "\n")],
      /^cluster\.tokens \(by --token-file\): a token has at least 32/,
    ],
    ["at no address", "0.0.0.0", [], /^"0\.0\.0\.0" is no address/],
  ])(
    "%s does not start beyond loopback: exit code 2, and one line that names what is missing",
    async (_what, at, more, words) => {
      const { code, stdout, stderr } = await run(program, ["--cluster", at, ...more]);
      expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
      expect(stderr).toMatch(words);
      expect(stderr.trim().split("\n")).toHaveLength(1);
    },
  );
});

describe("a server's cluster port", () => {
  const pem = { cert: "c", key: "k", ca: "a" };

  test.each([
    ["no secret", {}],
    ["TLS that asks nobody for a certificate", { tls: pem }],
    ["TLS without an authority", { tls: { cert: "c", key: "k", requestCert: true } }],
  ])("with %s is not opened beyond loopback", (_what, options) => {
    for (const host of [
      "0.0.0.0",
      "[::]",
      "10.0.0.1",
      "192.168.1.1",
      "example.com",
      "127.0.0.1.example.com",
      "localhost.example.com",
    ]) {
      const create = (): unknown => createServer({ cluster: { listen: `${host}:4000`, ...options } });
      expect(create, host).toThrow(/is open to strangers: set cluster\.tokens, or cluster\.tls with requestCert and ca/);
    }
    for (const host of ["127.0.0.1", "127.1.2.3", "[::1]", "localhost"]) {
      expect(createServer({ cluster: { listen: `${host}:4000`, ...options } }).addresses, host).toEqual({});
    }
  });

  test("is on loopback, unless it is said where", async () => {
    const server = createServer({ id: "hall", types: ["hall"], discovery: memory(), log: silentLogger });
    await server.start();
    expect(server.addresses["cluster"]).toMatch(/^127\.0\.0\.1:\d+$/);
    await server.stop({ graceMs: 100 });
  });

  test("with a secret of 32 bytes or more is opened anywhere; the bytes count, not the letters", () => {
    const listen = "0.0.0.0:4000";
    for (const tokens of [[token], ["é".repeat(16)], [token, "x".repeat(32)]]) createServer({ cluster: { listen, tokens } });
    for (const tokens of [["x".repeat(31)], ["é".repeat(15)], [token, ""]]) {
      expect(() => createServer({ cluster: { listen, tokens } })).toThrow(RangeError);
    }
  });
});
