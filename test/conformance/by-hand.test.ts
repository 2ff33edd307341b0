import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execPath } from "node:process";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import type { KitOptions } from "../../conformance/options.ts";
import { points } from "../../conformance/points/index.ts";
import { type Result, runKit } from "../../conformance/run-kit.ts";
import { type Child, startChild } from "../support/child.ts";
import { type Etcd, startEtcd } from "../support/etcd.ts";
import type { Fault } from "./room/fault.ts";
import type { RoomOptions } from "./room/member.ts";
import { startRoom } from "./room/room.ts";

const token = "a secret of the cluster, over 32 bytes";

/** What a room has to do wrong for a point to see it. */
const faults: Readonly<Record<string, Fault>> = {
  "record.place": "says another id",
  "record.incarnation": "has no incarnation",
  "record.protocol": "says no protocol",
  "record.signature": "signs another key",
  "record.state": "never says that it is ready",
  "record.addresses": "says where nothing listens",
  "record.lease": "has a lease of a minute",
  "record.schema": "puts another schema under the hash",
  "record.routes": "leaves its remote out of the schema",
  "door.token": "takes the beginning of a token",
  "door.session-missing": "needs no session",
  "door.session-garbage": "takes any session",
  "door.session-large": "takes large sessions",
  "door.unknown": "answers its pushes",
  "door.malformed": "calls malformed bodies internal errors",
  "door.one-message": "takes the first of many messages",
  "call.request": "does not say who has come",
  "call.errors": "calls a taken name a failed precondition",
  "call.notify": "answers a notify with something",
  "call.headers": "reads traceparent too closely",
  "call.deadline": "forgets deadlines",
  "call.concurrent": "mixes sessions up",
  "call.one-session": "pushes when it likes",
  "call.remote": "has no remote",
  "session.bind": "does not wait for Bind",
  "session.refused": "keeps what was refused",
  "session.patch": "does not patch",
  "session.data": "remembers instead of reading",
  "session.push": "pushes under another route",
  "session.push-order": "does not wait for pushes",
  "session.everywhere": "pushes at one frontend",
  "session.bound": "refuses users of strangers",
  "session.closed": "does not hear of the end",
  "session.closed-again": "refuses ends of strangers",
  "session.token": "shows no token",
  "session.frontend-back": "buries frontends at once",
  "session.frontend-gone": "does not miss frontends",
  "session.frontend-new": "knows frontends by their ids",
  "gate.request": "does not say who has come",
  "gate.errors": "calls a taken name a failed precondition",
  "gate.bind": "binds to another user",
  "gate.order": "pushes when it likes",
  "gate.left": "does not hear of the end",
  "gate.many": "mixes sessions up",
  "gate.restart": "looks for frontends once",
  "life.lease-lost": "does not come back",
  "life.record-lost": "does not come back",
  "life.serves-on": "comes back elsewhere",
  "drain.state": "leaves without a word",
  "drain.in-flight": "drops what is in flight",
  "drain.exit": "does not end",
  "drain.record": "leaves its record there",
};

let folder: string;
let etcd: Etcd;
let prefixes = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nano-conformance-"));
  await writeFile(join(folder, "token"), `${token}\n`);
  etcd = await startEtcd();
});

afterAll(async () => {
  await etcd?.stop();
  await rm(folder, { recursive: true, force: true });
});

const roomOptions = (fault?: Fault): RoomOptions => ({
  endpoint: etcd.endpoint,
  prefix: `/by-hand-${prefixes++}`,
  tokens: [token],
  fault,
});

const kitOptions = (room: RoomOptions, more: Partial<KitOptions> = {}): KitOptions => ({
  ...{ endpoints: [room.endpoint], prefix: room.prefix, tokens: room.tokens, type: "room", host: "127.0.0.1", pid: undefined },
  ...{ only: [], waitMs: 30_000, leaveMs: 5_000, ...more },
});

async function startProcess(room: RoomOptions): Promise<Child> {
  const child = startChild(execPath, ["--conditions=nano-source", "test/conformance/room/main.ts", JSON.stringify(room)]);
  await child.line((line) => line === "ready", 60_000);
  return child;
}

const brief = (results: readonly Result[]): string[] => results.map(({ name, outcome, why = "" }) => `${name} ${outcome} ${why}`);

/** The command line, as its users call it. */
async function run(args: readonly string[]): Promise<{ readonly code: number; readonly out: string; readonly errors: string }> {
  try {
    const { stdout, stderr } = await promisify(execFile)(execPath, ["--conditions=nano-source", "conformance/main.ts", ...args]);
    return { code: 0, out: stdout, errors: stderr };
  } catch (reason) {
    const { code, stdout, stderr } = reason as { readonly code: number; readonly stdout: string; readonly stderr: string };
    return { code, out: stdout, errors: stderr };
  }
}

describe("a room by hand that keeps the protocol", () => {
  test("passes whole: on the command line, with a row for each point, and exit code 0", async () => {
    const room = roomOptions();
    const child = await startProcess(room);
    onTestFinished(async () => void (await child.end("SIGKILL")));
    const flags = ["--discovery", `etcd://${room.endpoint}`, "--prefix", room.prefix, "--token-file", join(folder, "token")];
    const { code, out } = await run([...flags, "--pid", String(child.process.pid)]);
    const rows = out.trim().split("\n");
    expect(out).not.toContain("failed   ");
    expect(rows.filter((row) => row.startsWith("passed   ")).map((row) => row.split(/ +/)[1])).toEqual(
      points.map(({ name }) => name).filter((name) => name !== "call.remote-connect"),
    );
    expect(rows.at(-1)).toBe(`${points.length - 1} passed, 0 failed, 1 skipped`);
    expect(code).toBe(0);
  }, 120_000);

  test("passes in a cluster without tokens, and may stay", async () => {
    const options = { ...roomOptions(), tokens: [] };
    const room = await startRoom(options);
    onTestFinished(() => room.drop());
    const results = await runKit(kitOptions(options, { only: ["record", "door", "call", "session", "gate", "drain"] }));
    expect(brief(results.filter(({ outcome }) => outcome === "failed"))).toEqual([]);
    const skipped = results.filter(({ outcome }) => outcome === "skipped").map(({ name }) => name);
    expect(skipped).toEqual([
      ...["record.signature", "door.token", "call.remote-connect"],
      ...["drain.state", "drain.in-flight", "drain.exit", "drain.record"],
    ]);
  }, 120_000);
});

describe.concurrent("what a room does wrong is seen:", () => {
  test("there is a fault for every point that can fail", () => {
    expect([...Object.keys(faults), "call.remote-connect"].sort()).toEqual(points.map(({ name }) => name).sort());
  });

  for (const [name, fault] of Object.entries(faults)) {
    test(`${name}: a room that ${fault}`, async ({ expect, onTestFinished }) => {
      const options = roomOptions(fault);
      let pid: number | undefined;
      if (name.startsWith("drain.")) {
        const child = await startProcess(options);
        onTestFinished(async () => void (await child.end("SIGKILL")));
        pid = child.process.pid;
      } else {
        const room = await startRoom(options);
        onTestFinished(() => room.drop());
      }
      // To come back it has to have gone.
      const before = name === "life.serves-on" ? ["life.lease-lost"] : [];
      const results = await runKit(kitOptions(options, { only: [...before, name], pid }));
      expect(results.map((result) => [result.name, result.outcome])).toEqual([
        ...before.map((one) => [one, "passed"]),
        [name, "failed"],
      ]);
    }, 120_000);
  }
});
