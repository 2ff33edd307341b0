import { execPath } from "node:process";
import { createInterface } from "node:readline";
import { createServer, etcd as etcdDiscovery, type Server, silentLogger } from "nano-rpc";
import { afterAll, beforeAll, expect, test } from "vitest";
import { AskRemote } from "../schema/gen/ask/v1/ask_nano.ts";
import { type Child, startChild } from "../support/child.ts";
import { type Etcd, startEtcd } from "../support/etcd.ts";

let etcd: Etcd;
let caller: Server;
const children = new Map<string, Child>();
/** What servers said that they have begun. */
const began: string[] = [];

beforeAll(async () => {
  etcd = await startEtcd();
  for (const id of ["ask-1", "ask-2"]) {
    const child = startChild(execPath, ["--conditions=nano-source", "test/remote/ask-server.ts", id, etcd.endpoint]);
    children.set(id, child);
    if (child.process.stdout) createInterface({ input: child.process.stdout }).on("line", (line) => void began.push(line));
    await child.line((line) => line === "ready");
  }
  caller = createServer({
    id: "caller",
    types: ["caller"],
    discovery: etcdDiscovery({ endpoints: [etcd.endpoint], prefix: "/ask" }),
    log: silentLogger,
  });
  await caller.start();
}, 60_000);

afterAll(async () => {
  await caller?.stop({ graceMs: 100 });
  await Promise.all([...children.values()].map((child) => child.end("SIGKILL")));
  await etcd?.stop();
});

test("kill -9 of one of two: what may be repeated is answered by the other, and nothing else begins twice", async () => {
  // Both are linked, and there is something to spend on second tries.
  await expect.poll(async () => (await caller.remoteAll(AskRemote).look({})).map((one) => one.ok)).toEqual([true, true]);
  await Promise.all(Array.from({ length: 500 }, () => caller.remote(AskRemote).look({})));

  const looks: Promise<unknown>[] = [];
  const tells: Promise<{ readonly word: string; readonly code: string }>[] = [];
  const send = (count: number): void => {
    for (let at = 0; at < count; at++) {
      looks.push(
        caller
          .remote(AskRemote)
          .look({})
          .then(({ server }) => server),
      );
      const word = `t${tells.length}`;
      const told = caller.remote(AskRemote).tell({ word }).result();
      tells.push(told.then((one) => ({ word, code: one.ok ? "ok" : one.error.code })));
    }
  };
  send(40);
  const child = children.get("ask-1");
  await child?.line((line) => line.startsWith("began t"));
  const ended = child?.end("SIGKILL");
  // While it dies, and after.
  send(20);
  await ended;
  send(20);
  const servers = await Promise.all(looks);
  expect(servers.slice(-20)).toEqual(Array.from({ length: 20 }, () => "ask-2"));
  const codes = await Promise.all(tells);
  expect(new Set(codes.map(({ code }) => code))).toEqual(new Set(["ok", "unavailable"]));

  const times = (word: string): number => began.filter((line) => line === `began ${word}`).length;
  const answered = codes.filter(({ code }) => code === "ok").map(({ word }) => word);
  await expect.poll(() => answered.map(times)).toEqual(answered.map(() => 1));
  // What failed may have begun, or not.
  expect(codes.filter(({ word }) => times(word) > 1)).toEqual([]);
}, 60_000);
