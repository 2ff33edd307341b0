import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startChild } from "../support/child.ts";
import { type RegistryProcess, startRegistryProcess } from "./nano-cli.ts";

const execute = promisify(execFile);
let registry: RegistryProcess;

beforeAll(async () => {
  registry = await startRegistryProcess();
});

afterAll(() => registry?.child.end("SIGKILL"));

/** What Debian's etcdctl prints. Rejects where it fails, with its words. */
async function etcdctl(...args: string[]): Promise<string> {
  const { stdout } = await execute("etcdctl", ["--endpoints", registry.endpoint, ...args], {
    env: { ...process.env, ETCDCTL_API: "3" },
    timeout: 15_000,
  });
  return stdout;
}

describe("etcdctl over a registry", () => {
  test("finds it healthy, and sees its one member", async () => {
    const { stdout, stderr } = await execute("etcdctl", ["--endpoints", registry.endpoint, "endpoint", "health"]);
    expect(stdout + stderr).toMatch(/is healthy/);
    expect(await etcdctl("endpoint", "status")).toMatch(/^127\.0\.0\.1:\d+, 1, 3\.5\.0-nano-registry, .* true, false,/);
    expect(await etcdctl("endpoint", "status", "--cluster")).toContain(registry.endpoint);
    expect(await etcdctl("member", "list")).toContain(`nano-registry, , ${registry.endpoint}`);
    expect(await etcdctl("alarm", "list")).toBe("");
  });

  test("puts, gets, deletes and compacts", async () => {
    expect(await etcdctl("put", "key/a", "1")).toBe("OK\n");
    expect(await etcdctl("put", "key/b", "2", "--prev-kv")).toBe("OK\n");
    expect(await etcdctl("put", "key/a", "3", "--prev-kv")).toBe("OK\nkey/a\n1\n");
    expect(await etcdctl("get", "key/", "--prefix")).toBe("key/a\n3\nkey/b\n2\n");
    expect(await etcdctl("get", "key/", "--prefix", "--order=DESCEND", "--keys-only", "--limit=1")).toBe("key/b\n\n");
    const { header } = JSON.parse(await etcdctl("get", "key/a", "-w", "json"));
    expect(await etcdctl("get", "key/a", `--rev=${header.revision - 1}`)).toBe("key/a\n1\n");
    expect(await etcdctl("compact", `${header.revision}`)).toContain("compacted revision");
    await expect(etcdctl("get", "key/a", `--rev=${header.revision - 1}`)).rejects.toThrow(
      /etcdserver: mvcc: required revision has been compacted/,
    );
    expect(await etcdctl("del", "key/", "--prefix")).toBe("2\n");
    expect(await etcdctl("get", "key/", "--prefix")).toBe("");
  });

  test("grants and revokes leases", async () => {
    const lease = /^lease (\w+) granted with TTL\(60s\)/.exec(await etcdctl("lease", "grant", "60"))?.[1] ?? "";
    await etcdctl("put", "leased", "1", "--lease", lease);
    expect(await etcdctl("lease", "list")).toContain(lease);
    expect(await etcdctl("lease", "keep-alive", "--once", lease)).toBe(`lease ${lease} keepalived with TTL(60)\n`);
    expect(await etcdctl("lease", "timetolive", lease, "--keys")).toMatch(
      /granted with TTL\(60s\), remaining\(\d+s\), attached keys\(\[leased\]\)/,
    );
    expect(await etcdctl("lease", "revoke", lease)).toBe(`lease ${lease} revoked\n`);
    expect(await etcdctl("get", "leased")).toBe("");
    await expect(etcdctl("lease", "revoke", lease)).rejects.toThrow(/etcdserver: requested lease not found/);
  });

  test("watches", async () => {
    const revision = JSON.parse(await etcdctl("put", "watched", "1", "-w", "json")).header.revision;
    const watch = startChild("etcdctl", ["--endpoints", registry.endpoint, "watch", "watched", `--rev=${revision}`, "--prev-kv"]);
    try {
      await watch.line((line) => line === "1");
      await etcdctl("put", "watched", "2");
      await watch.line((line) => line === "2");
      await etcdctl("del", "watched");
      await watch.line((line) => line === "DELETE");
    } finally {
      await watch.end("SIGKILL");
    }
  });

  test("locks and elects", async () => {
    expect(await etcdctl("lock", "mutex", "echo", "held")).toBe("held\n");
    const leader = startChild("etcdctl", ["--endpoints", registry.endpoint, "elect", "first", "ann"]);
    try {
      await leader.line((line) => line === "ann");
      const observer = startChild("etcdctl", ["--endpoints", registry.endpoint, "elect", "--listen", "first"]);
      await observer.line((line) => line === "ann").finally(() => observer.end("SIGKILL"));
    } finally {
      await leader.end("SIGKILL");
    }
  });
});
