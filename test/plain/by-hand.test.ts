import { execFile, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { delimiter, resolve } from "node:path";
import { promisify } from "node:util";
import { createServer, memory, type Server, silentLogger, tcp } from "nano-rpc";
import { createClient } from "nano-rpc/client";
import { tcp as overTcp } from "nano-rpc/client/tcp";
import { expect, test } from "vitest";
import { RoomClient } from "../../examples/chat/gen/chat/v1/chat_client.ts";
import { chatRooms } from "../../examples/chat/src/rooms.ts";
import { packSchema } from "../../src/route/index.ts";
import { until } from "../net/recorder.ts";
import { PlayClient } from "../schema/gen/play/v1/play_client.ts";
import { PlayHandler } from "../schema/gen/play/v1/play_nano.ts";
import { PlayService } from "../schema/gen/play/v1/play_pb.ts";
import { type Authority, createAuthority } from "../server/certificates.ts";
import { routed, startForeign } from "./foreign-server.ts";

// As openssl makes them.
const token = "kFXUZb0JtV6cSL1Yc5ahgoZUvKVbwxVHHWQ1nCM5SWfN";
const servers = { "both-1": "URI:nano:frontend,URI:nano:type:gate,URI:nano:type:room", "play-1": "URI:nano:type:play" };
const run = promisify(execFile);

interface Command {
  readonly over: string;
  readonly text: string;
  readonly answer: string;
}

/** The commands of the page, each with the answer that stands under it. */
const page = readFileSync("docs/other-languages.md", "utf8");
const commands: readonly Command[] = [...page.matchAll(/^```sh ?(\w*)\n((?:(?!^```).)*)^```\n\n```json\n(.*?)^```/gms)].map(
  ([, over = "", text = "", answer = ""]) => ({ over, text, answer: answer.trim() }),
);

const curl = spawnSync("curl", ["--version"], { encoding: "utf8" });
const missing = curl.status === 0 && curl.stdout.includes("HTTP2") ? undefined : "there is no curl with HTTP/2";
if (missing !== undefined) console.log(`the commands of docs/other-languages.md by curl are left out: ${missing}`);

test.each(["", "tls"])(
  "the commands of docs/other-languages.md are answered as it says %s",
  async (over) => {
    const authority: Authority | undefined = over === "tls" ? createAuthority(servers) : undefined;
    const discovery = memory();
    const tls = authority?.tls("both-1");
    const gate: Server = createServer({
      ...{ discovery, log: silentLogger, id: "both-1", types: ["gate"], acceptors: [tcp({ port: 0 })] },
      services: chatRooms(),
      cluster: { tokens: [token], ...(tls ? { tls } : {}) },
    });
    await gate.start();
    // A server in another language is told of the session.
    let session = "";
    const routes = routed((router) =>
      router.service(PlayService, {
        kept(_request, { requestHeader }) {
          session = requestHeader.get("nano-session-bin") ?? "";
          return {};
        },
      }),
    );
    const offer = { types: ["play"], schema: packSchema([PlayHandler]).gzip };
    const foreign = await startForeign(discovery, "plays", routes, authority?.tls("play-1"), offer);
    const client = createClient({
      transport: overTcp({ host: "127.0.0.1", port: Number(gate.addresses["tcp"]?.split(":").at(-1)) }),
    });
    try {
      await until(() => gate.servers().length, 20_000).toBe(2);
      await client.connect();
      await client.service(PlayClient).kept({});
      const room = client.service(RoomClient);
      await room.join({ room: "lobby", name: "ann" });
      const heard: string[] = [];
      room.onSaid(({ text }) => void heard.push(text));
      const env = {
        ...process.env,
        ...{ TOKEN: token, SESSION: session, ROOM: gate.addresses["cluster"], PROJECT: resolve(".") },
        PATH: [resolve("node_modules/.bin"), process.env["PATH"]].join(delimiter),
      };
      const here = commands.filter((command) => command.over === over && (!missing || !/\bcurl --silent/.test(command.text)));
      for (const { text, answer } of here) {
        const options = { env, cwd: authority?.folder ?? ".", timeout: 60_000 };
        const { stdout } = await run("bash", ["-e", "-o", "pipefail", "-c", text], options);
        expect(comparable(stdout), text).toEqual(comparable(answer));
      }
      expect(here.length).toBeGreaterThan(missing ? 0 : over === "tls" ? 1 : 7);
      const said = here.flatMap(({ text }) => /"text":"([^"]*)"/.exec(text)?.[1] ?? []);
      await until(() => heard).toEqual(said);
    } finally {
      await client.close();
      await foreign.stop();
      await gate.stop({ graceMs: 100 });
      await authority?.remove();
    }
  },
  180_000,
);

/** What two say that is the same, however it is laid out. */
function comparable(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text.trim();
  }
}
