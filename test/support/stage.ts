import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { createServer, etcd, silentLogger, tcp, webSocket } from "nano-rpc";
import { webSocket as byWebSocket, createClient } from "nano-rpc/client";
import { RoomClient } from "../../examples/chat/gen/chat/v1/chat_client.ts";
import { chatRooms } from "../../examples/chat/src/rooms.ts";
import { startRegistry } from "../../src/cli/registry/registry.ts";
import { systemClock, systemRandom } from "../../src/clock/index.ts";
import { systemNet } from "../../src/net/index.ts";
import { type Recording, recordingsIn, replay } from "./recordings.ts";

/** What the pages of the tools take for granted: the chat in a cluster with a token, eve in its office, and a folder with their files. */
interface Stage {
  /** Runs a command of a page, and gives what it prints, with the page's addresses. */
  play(recording: Recording): Promise<string>;
  stop(): Promise<void>;
}

const token = "a token of thirty-two bytes, or so";

/** Makes what stands on a page. @param page Its files are the blocks that name one: `nano hello.nano`. */
async function setStage(page: string): Promise<Stage> {
  const folder = await mkdtemp(join(tmpdir(), "nano-page-"));
  const { http2 } = systemNet;
  if (!http2) throw new Error("there is no HTTP/2 here");
  const registry = await startRegistry({ host: "127.0.0.1", port: 0, http2, clock: systemClock, random: systemRandom });
  const server = createServer({
    ...{ id: "gate-1", version: "1.4.0", types: ["gate"], log: silentLogger, reflection: true, services: chatRooms() },
    ...{ discovery: etcd({ endpoints: registry.endpoint }), cluster: { tokens: [token] } },
    acceptors: [webSocket({ port: 0 }), tcp({ port: 0 })],
  });
  await server.start();
  const { ws = "", tcp: at = "" } = server.addresses;
  const names = { "127.0.0.1:3250": ws, "127.0.0.1:3251": at, "127.0.0.1:2379": registry.endpoint };
  const eve = createClient({ transport: byWebSocket(`ws://${ws}`) });
  await eve.connect();
  await eve.service(RoomClient).join({ room: "office", name: "eve" });
  await writeFile(join(folder, "cluster.token"), token);
  for (const [, name = "", text = ""] of page.matchAll(/^```(?:nano|json) (\S+)\n(.*?)^```$/gms)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    const own = Object.entries(names).reduce((said, [from, to]) => said.replaceAll(from, to), text);
    await writeFile(join(folder, name), own);
  }
  for (const [name, to] of Object.entries({ gen: "examples/chat/gen", examples: "examples", node_modules: "node_modules" })) {
    await symlink(resolve(to), join(folder, name));
  }
  const { status, stderr } = spawnSync("buf", ["build", "examples/chat/proto", "-o", join(folder, "chat.binpb")], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`buf build: ${stderr}`);
  return {
    play: ({ command }) => replay(command, folder, names),
    async stop() {
      await eve.close();
      await server.stop({ graceMs: 0 });
      await registry.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** All recordings of a page, one after the other, and what they print here. */
export async function replayPage(page: string): Promise<readonly (Recording & { readonly came: string })[]> {
  const stage = await setStage(page);
  try {
    const played = [];
    for (const recording of recordingsIn(page)) played.push({ ...recording, came: await stage.play(recording) });
    return played;
  } finally {
    await stage.stop();
  }
}
