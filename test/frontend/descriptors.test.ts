import { connect } from "node:net";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test } from "vitest";
import { spareDescriptors } from "../../src/net/descriptors.ts";
import { PacketType } from "../../src/packet/index.ts";
import { type Child, startChild } from "../support/child.ts";
import { type RawClient, rawTcp } from "../support/raw-client.ts";
import { textOf } from "../support/raw-peer.ts";

// Node needs some for itself.
const openFiles = 100;
const limited = fileURLToPath(new URL("./limited-server.ts", import.meta.url));

let child: Child | undefined;
const raws: RawClient[] = [];

afterEach(async () => {
  for (const raw of raws.splice(0)) raw.close();
  await child?.end("SIGKILL");
});

/** A server that may have few files open. */
async function start(): Promise<{ readonly port: number; readonly child: Child }> {
  const node = [process.execPath, "--conditions=nano-source", limited].map((word) => `'${word}'`).join(" ");
  child = startChild("sh", ["-c", `ulimit -n ${openFiles} && exec ${node}`]);
  const line = await child.line((one) => one.startsWith("port "));
  return { port: Number(line.slice("port ".length)), child };
}

async function open(port: number): Promise<RawClient> {
  const raw = await rawTcp(port);
  raws.push(raw);
  await raw.open();
  await works(raw);
  return raw;
}

async function works(raw: RawClient): Promise<void> {
  raw.request(1, "a.b", '{"room":"r"}');
  expect(JSON.parse((await raw.message()).text)).toEqual({ members: ["r", ""] });
}

describe("a server that runs out of file descriptors", () => {
  test("keeps some for itself: newcomers are told that it is full, until others leave", async () => {
    const { port } = await start();
    const before = await open(port);
    let full: RawClient | undefined;
    while (!full && raws.length <= openFiles) {
      const raw = await rawTcp(port);
      raws.push(raw);
      raw.sendPacket(PacketType.handshake, "{}");
      const answer = JSON.parse(textOf((await raw.packet()).body));
      if (answer.code === 503) full = raw;
    }
    const [said] = (await full?.closed()) ?? [];
    expect(JSON.parse(textOf(said?.body ?? new Uint8Array(0)))).toEqual({ code: "busy", reason: "the server is full" });
    expect(raws.length).toBeGreaterThan(openFiles / 3);
    expect(raws.length).toBeLessThan(openFiles - 20);
    await works(before);
    for (const raw of raws.splice(1)) raw.close();
    await expect.poll(() => open(port).then(works)).toBeUndefined();
    await works(before);
  });

  test("lives through it when others take them all, and takes clients again as soon as it can", async () => {
    const { port, child } = await start();
    const before = await open(port);
    child.process.kill("SIGUSR2");
    await child.line((line) => line === "none left");
    // The system takes these; whether they are closed, or wait, is its affair.
    const waiting = connect({ host: "127.0.0.1", port }).on("error", () => {});
    const turnedAway = new Promise((resolve) => waiting.once("close", resolve));
    await turnedAway;
    await works(before);
    child.process.kill("SIGUSR2");
    await child.line((line) => line === "free again");
    await works(await open(port));
    await works(before);
    expect(await child.end("SIGTERM")).toBe(0);
  });
});

test("what is spare is what the system allows, less what is open", () => {
  const spare = spareDescriptors();
  if (process.platform !== "linux") return expect(spare).toBeUndefined();
  expect(spare).toBeGreaterThan(0);
});
