// nano's client in Chromium inflates with the browser's own means.
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { expect, test } from "vitest";
import { startChat } from "../../examples/chat/src/chat.ts";
import { startChromium } from "../support/chromium.ts";

const textBytes = 20_000;

/** What runs in the page: gives the text that comes back to whoever said it. */
const script = `
  import { createClient, next, webSocket } from "nano-rpc/client";
  import { RoomClient } from "./examples/chat/gen/chat/v1/chat_client.ts";
  globalThis.talk = async (port) => {
    const client = createClient({ transport: webSocket("ws://127.0.0.1:" + port), reconnect: false });
    const room = client.service(RoomClient);
    await client.connect();
    await room.join({ room: "lobby", name: "ann" });
    const said = next(room.onSaid);
    room.say({ text: "ä".repeat(${textBytes / 2}) });
    const { text } = await said;
    await client.close();
    return text;
  };`;

test("a large push is deflated on its way, and whole in the page", async () => {
  const { outputFiles } = await build({
    stdin: { contents: script, resolveDir: fileURLToPath(new URL("../..", import.meta.url)), loader: "ts" },
    ...{ bundle: true, format: "iife", platform: "browser", conditions: ["nano-source"], write: false },
  });
  const chat = await startChat({
    ...{ id: "chat-1", roles: ["gate", "room"], discovery: "memory", prefix: "/chat" },
    ...{ ws: 0, tcp: undefined, http: 0, cluster: "127.0.0.1:0", tokenFile: undefined },
  });
  const browser = await startChromium();
  try {
    const page = await browser.newPage();
    const received: number[] = [];
    page.on("websocket", (socket) => socket.on("framereceived", ({ payload }) => received.push(payload.length)));
    await page.goto(`http://127.0.0.1:${chat.ready.http}`);
    await page.evaluate(outputFiles[0]?.text ?? "");
    expect(await page.evaluate(`talk(${chat.ready.ws})`)).toBe("ä".repeat(textBytes / 2));
    // Without it one frame would have all of the text.
    expect(received.length).toBeGreaterThanOrEqual(3);
    expect(Math.max(...received)).toBeLessThan(1_000);
  } finally {
    await browser.close();
    await chat.stop();
  }
}, 60_000);
