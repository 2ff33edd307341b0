import { fileURLToPath } from "node:url";
import { create, toBinary } from "@bufbuild/protobuf";
import { silentLogger } from "nano-rpc";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { CallSchema, EnvelopeSchema } from "../../gen/nano/cluster/v1/link_pb.ts";
import { systemClock, systemRandom } from "../../src/clock/index.ts";
import type { ServerInfo } from "../../src/discovery/index.ts";
import { NanoError } from "../../src/error/index.ts";
import { ask, createLinkHub, createLinkTransport, type Link, type LinkHub } from "../../src/link/index.ts";
import { systemNet } from "../../src/net/index.ts";
import { BreakRequestSchema } from "../schema/gen/play/v1/play_pb.ts";
import { type Child, startChild } from "../support/child.ts";
import { serverInfo, whyNot } from "./hubs.ts";

let child: Child;
let info: ServerInfo;
let hub: LinkHub;
let closed: string[];

beforeEach(async () => {
  child = startChild(process.execPath, ["--conditions=nano-source", fileURLToPath(new URL("frozen-server.ts", import.meta.url))]);
  const { incarnation, address } = JSON.parse(await child.line((line) => line.startsWith("{")));
  info = serverInfo("play-1", BigInt(incarnation), address);
  closed = [];
  hub = createLinkHub({
    self: () => ({ id: "one", incarnation: 1n, types: ["gate"], frontend: true, schema: "" }),
    transport: createLinkTransport(systemNet, { authorize: () => true, other: () => {} }),
    clock: systemClock,
    random: systemRandom,
    log: silentLogger,
    tokens: [],
    load: () => 0,
    events: {
      opened: () => {},
      frame: () => {},
      broken: (_link, error) => void closed.push(error.message),
      closed: () => {},
    },
  });
  await hub.start({ host: "127.0.0.1", port: 0 });
});

afterEach(async () => {
  await child.end("SIGKILL");
  await hub.stop();
});

/** Asks for what is never answered; gives with what it failed, and after how long. */
async function never(link: Link, remainingMs: number): Promise<{ readonly code: string; readonly ms: number }> {
  const before = systemClock.now();
  const body = toBinary(BreakRequestSchema, create(BreakRequestSchema, { how: "never" }));
  const envelope = create(EnvelopeSchema, { remainingMs });
  const send = (call: bigint): void =>
    link.sendData({ case: "call", value: create(CallSchema, { call, route: "play.who.break", body, envelope }) });
  const code = await ask(link, before + remainingMs, send).then(
    () => "ok",
    (reason: unknown) => NanoError.from(reason).code,
  );
  return { code, ms: systemClock.now() - before };
}

function sockets(): number {
  return process.getActiveResourcesInfo().filter((one) => one === "TCPSocketWrap").length;
}

test("a process that is stopped is silent, and found out within 7 s; when it goes on it is reached again", async () => {
  const before = sockets();
  const link = await hub.linkTo(info);
  expect(sockets()).toBeGreaterThan(before);
  const waiting = never(link, 60_000);
  child.process.kill("SIGSTOP");
  const { code, ms } = await waiting;
  expect(code).toBe("unavailable");
  expect(ms).toBeGreaterThan(2_500);
  expect(ms).toBeLessThan(7_000);
  expect(closed).toEqual(["play-1 is silent"]);
  // It does not read, but its kernel takes connections: nothing of them stays behind here. A link that may still be gone on with is tried more than once.
  const dialed = systemClock.now();
  expect(await hub.linkTo(info).then(() => "open", whyNot)).toMatch(/^unavailable: .*no answer within 1000 ms$/);
  expect(systemClock.now() - dialed).toBeLessThan(3_500);
  await vi.waitFor(() => expect(sockets()).toBe(before), { timeout: 2_000 });

  child.process.kill("SIGCONT");
  await vi.waitFor(async () => expect((await hub.linkTo(info)).closed).toBe(false), { timeout: 5_000, interval: 50 });
  expect((await never(await hub.linkTo(info), 300)).code).toBe("deadline_exceeded");
});

test("a process that is stopped with a full link fails what waits, and is let go of", async () => {
  const before = sockets();
  const link = await hub.linkTo(info);
  child.process.kill("SIGSTOP");
  let refused: unknown;
  let bytes = 200_000;
  const full = systemClock.now();
  while (refused === undefined && systemClock.now() - full < 4_000) {
    try {
      for (let times = 0; times < 8; times++) {
        link.sendData({ case: "call", value: create(CallSchema, { call: 0n, route: "x", body: new Uint8Array(bytes) }) });
      }
      await new Promise((resolve) => setImmediate(resolve));
    } catch (reason) {
      // Then to the last byte.
      if (bytes === 0) refused = reason;
      bytes = 0;
    }
  }
  expect(refused).toMatchObject({ code: "resource_exhausted", message: "the link to play-1 is full" });
  expect((await never(link, 60_000)).code).toBe("resource_exhausted");
  await vi.waitFor(() => expect(closed).toEqual(["play-1 is silent"]), { timeout: 7_500, interval: 50 });
  // It is dialed until the link is given up.
  await vi.waitFor(() => expect(sockets()).toBe(before), { timeout: 12_000, interval: 50 });
});

test("a process that is killed fails what waits at once", async () => {
  const link = await hub.linkTo(info);
  const waiting = never(link, 60_000);
  child.process.kill("SIGKILL");
  const { code, ms } = await waiting;
  expect(code).toBe("unavailable");
  expect(ms).toBeLessThan(1_000);
  // While it dies its kernel may still take a connection, and resets it.
  expect(await hub.linkTo(info).then(() => "open", whyNot)).toMatch(/^unavailable: .*ECONN(REFUSED|RESET)/);
});
