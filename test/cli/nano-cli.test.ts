import { spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { execPath } from "node:process";
import { Etcd3, EtcdLockFailedError } from "etcd3";
import { describe, expect, test } from "vitest";
import { commands } from "../../src/cli/commands.ts";
import { runCommand } from "../../src/cli/run-command.ts";
import { freePort } from "../support/port.ts";
import { startNanoCli, startRegistryProcess } from "./nano-cli.ts";

/** Runs it to its end. */
function run(...args: string[]): { readonly status: number | null; readonly out: string; readonly errors: string } {
  const program = ["--conditions=nano-source", "src/cli/main.ts"];
  const { status, stdout, stderr } = spawnSync(execPath, [...program, ...args], { encoding: "utf8", timeout: 20_000 });
  return { status, out: stdout, errors: stderr };
}

/** Runs it in this process, where it is quicker. */
async function runHere(...args: string[]): Promise<ReturnType<typeof run>> {
  const [out, errors]: [string[], string[]] = [[], []];
  const status = await runCommand(commands, args, {
    print: (line) => void out.push(line),
    complain: (line) => void errors.push(line),
    interrupted: AbortSignal.abort(),
  });
  return { status, out: out.join("\n"), errors: errors.join("\n") };
}

describe("nano-cli", () => {
  test.each([["--help"], ["-h"], ["help"]])("%s names its commands", async (flag) => {
    const { status, out, errors } = await runHere(flag);
    expect([status, errors]).toEqual([0, ""]);
    expect(out).toMatch(/^Usage: nano-cli COMMAND/);
    expect(out).toMatch(/^ {2}registry {2}\S/m);
  });

  test("--version says which it is", async () => {
    const { version } = JSON.parse(await readFile("package.json", "utf8"));
    expect(await runHere("--version")).toEqual({ status: 0, out: version, errors: "" });
    expect(run("--version").out).toBe(`${version}\n`);
  });

  test("without a command, or with one that there is not, says so and fails", async () => {
    expect(await runHere()).toMatchObject({
      status: 1,
      out: "",
      errors: expect.stringMatching(/which command\?\nUsage: nano-cli/),
    });
    const { status, out, errors } = run("regestry", "--port", "1");
    expect([status, out]).toEqual([1, ""]);
    expect(errors).toMatch(/^nano-cli: there is no command "regestry": is it registry\? \(nano-cli --help lists them\)\n$/);
  });

  test.each([
    ["taIk", "is it talk?"],
    ["http://127.0.0.1:3250/chat", "servers are talked to by ws://127.0.0.1:3250/chat"],
    ["https://play.example.com", "servers are talked to by wss://play.example.com"],
    ["3250", "an address has a host before its port: 127.0.0.1:3250"],
    [":3250", "an address has a host before its port: 127.0.0.1:3250"],
    ["localhost", "an address has a port behind its host, as localhost:3250"],
    ["play.example.com", "an address has a port behind its host, as play.example.com:3250"],
    ["package.json", 'a file of lines is played by "nano-cli ADDRESS --script package.json"'],
    ["something else", "an address is HOST:PORT, or begins with tcp://, tls://, ws:// or wss://"],
  ])("%s is neither a command nor an address: it says what to do", async (word, remedy) => {
    expect(await runHere(word)).toMatchObject({
      status: 1,
      out: "",
      errors: `nano-cli: there is no command "${word}": ${remedy} (nano-cli --help lists them)`,
    });
  });

  test("an option that there is not is named, and no more is said", async () => {
    expect(await runHere("docs", "--htlm", "page.html")).toMatchObject({
      status: 1,
      errors: "nano-cli docs: Unknown option '--htlm' (see nano-cli docs --help)",
    });
  });

  test("where nobody is etcd it says so in the end, and what to do", async () => {
    const etcd = `127.0.0.1:${await freePort()}`;
    const servers = run("servers", "--etcd", etcd);
    expect([servers.status, servers.out]).toEqual([1, ""]);
    expect(servers.errors).toMatch(/^nano-cli servers: no place in the cluster .*ECONNREFUSED[^\n]*\nis it running, and .*\n$/);
    const doctor = run("doctor", "--etcd", etcd);
    expect([doctor.status, doctor.errors]).toEqual([1, ""]);
    expect(doctor.out).toMatch(/^WRONG {4}etcd .*ECONNREFUSED[^\n]*\n {9}is it running, and .*\n$/m);
  }, 60_000);

  test("registry --help says what it is and takes", () => {
    const { status, out, errors } = run("registry", "--port", "nonsense", "--help");
    expect([status, errors]).toEqual([0, ""]);
    for (const part of ["--port PORT", "2379", "--host HOST", "not for production"]) expect(out).toContain(part);
  });
});

describe("nano-cli registry refuses", () => {
  test.each([
    ["0.0.0.0"],
    ["::"],
    ["192.168.0.1"],
    ["example.com"],
    ["127.0.0.1.example.com"],
    ["127.0.0.256"],
    ["127.1"],
    [""],
    ["::ffff:10.0.0.1"],
  ])("to be seen beyond this machine, on %j", async (host) => {
    const { status, out, errors } = await runHere("registry", "--port", "0", "--host", host);
    expect([status, out]).toEqual([1, ""]);
    expect(errors).toMatch(/^nano-cli registry: it listens on this machine's loopback only, .*not on ".*"/);
    expect(errors).not.toContain("\n");
  });

  test.each([
    [["--port", "65536"], /--port is a number from 0 to 65535, not "65536"/],
    [["--port", ""], /--port is a number from 0 to 65535, not ""/],
    [["--port", "2379x"], /--port is a number/],
    [["--prot", "1"], /'--prot'.*\(see nano-cli registry --help\)/],
    [["2379"], /'2379'.*\(see nano-cli registry --help\)/],
    [["--port"], /'--port <value>' argument missing/],
  ])("%j", async (args, words) => {
    const { status, out, errors } = await runHere("registry", ...args);
    expect([status, out]).toEqual([1, ""]);
    expect(errors).toMatch(/^nano-cli registry: /);
    expect(errors).toMatch(words);
  });

  test("an address beyond this machine, as a process", () => {
    const { status, out, errors } = run("registry", "--host", "0.0.0.0");
    expect([status, out]).toEqual([1, ""]);
    expect(errors).toMatch(/^nano-cli registry: .*Use a real etcd for more than one machine\n$/);
  });

  test("a port that is in use", async () => {
    const first = await startRegistryProcess();
    try {
      const port = first.endpoint.split(":")[1] ?? "";
      const { status, errors } = run("registry", "--port", port);
      expect(status).toBe(1);
      expect(errors).toMatch(
        new RegExp(`^nano-cli registry: it cannot listen on 127\\.0\\.0\\.1:${port}: the port is in use\\.`),
      );
      expect(errors).not.toContain("    at ");
    } finally {
      await first.child.end("SIGKILL");
    }
  });
});

describe("nano-cli registry", () => {
  test.each([
    ["127.0.0.1", "127.0.0.1"],
    ["localhost", "127.0.0.1"],
    ["127.9.8.7", "127.9.8.7"],
    ["::1", "[::1]"],
  ])("listens on %s, and says first that it is not for production", async (host, shown) => {
    const port = await freePort();
    const child = startNanoCli("registry", "--port", `${port}`, "--host", host);
    try {
      expect(await child.line(() => true)).toMatch(/NOT FOR PRODUCTION/);
      expect(await child.line((line) => line.startsWith("listening"))).toBe(
        `listening on ${shown}:${port}: discovery is etcd://${shown}:${port}`,
      );
      const etcd3 = new Etcd3({ hosts: `http://${shown}:${port}` });
      await etcd3.put("a").value("1").exec();
      expect(await etcd3.get("a").string()).toBe("1");
      etcd3.close();
    } finally {
      await child.end("SIGKILL");
    }
  });

  test.each(["SIGINT", "SIGTERM"] as const)("ends on %s with what watches it, and exits with 0", async (signal) => {
    const { child, endpoint } = await startRegistryProcess();
    const etcd3 = new Etcd3({ hosts: `http://${endpoint}` });
    const watcher = await etcd3.watch().key("a").create();
    const lease = etcd3.lease(10);
    lease.on("lost", () => {});
    const kept = new Promise((resolve) => lease.once("keepaliveEstablished", resolve));
    await lease.grant();
    await kept;
    const lost = new Promise((resolve) => watcher.once("disconnected", resolve).once("error", resolve));
    const startedAt = performance.now();
    expect(await child.end(signal)).toBe(0);
    expect(performance.now() - startedAt).toBeLessThan(3_000);
    await lost;
    etcd3.close();
  });
});

describe("the etcd3 package over a registry", () => {
  test("puts, watches, locks, and keeps leases", async () => {
    const { child, endpoint } = await startRegistryProcess();
    const etcd3 = new Etcd3({ hosts: `http://${endpoint}` });
    try {
      const watcher = await etcd3.watch().prefix("game/").create();
      const heard: string[] = [];
      watcher.on("put", ({ key, value }) => void heard.push(`${key}=${value}`));
      watcher.on("delete", ({ key }) => void heard.push(`${key} is gone`));
      await etcd3.put("game/1").value("chess");
      const lease = etcd3.lease(10);
      await lease.put("game/2").value("go");
      await lease.revoke();
      await expect.poll(() => heard).toEqual(["game/1=chess", "game/2=go", "game/2 is gone"]);
      expect(await etcd3.getAll().prefix("game/").strings()).toEqual({ "game/1": "chess" });

      const held = await etcd3.lock("turn").ttl(10).acquire();
      await expect(etcd3.lock("turn").acquire()).rejects.toBeInstanceOf(EtcdLockFailedError);
      await held.release();
      await (await etcd3.lock("turn").acquire()).release();
      const election = etcd3.election("leader", 10).campaign("ann");
      await new Promise((resolve) => election.once("elected", resolve));
      expect(await etcd3.election("leader").leader()).toBe("ann");
      await election.resign();
      await watcher.cancel();
    } finally {
      etcd3.close();
      await child.end("SIGKILL");
    }
  });
});
