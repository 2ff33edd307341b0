import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build as esbuild } from "esbuild";
import type { Browser, Page } from "playwright-core";
import { build as vite } from "vite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Chat, startChat } from "../../examples/chat/src/chat.ts";
import { startChromium } from "../support/chromium.ts";

const react = fileURLToPath(new URL("../../examples/react", import.meta.url));
let browser: Browser;
let chat: Chat;
let folder: string;
let files: Server;
let port = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nano-bundle-"));
  files = createServer(async ({ url = "/" }, response) => {
    const { pathname } = new URL(url, "http://localhost");
    const type = pathname.endsWith(".js") ? "text/javascript" : "text/html";
    const content = await readFile(join(folder, pathname === "/" ? "index.html" : pathname)).catch(() => undefined);
    response.writeHead(content ? 200 : 404, { "content-type": type }).end(content);
  });
  await new Promise<void>((resolve) => files.listen(0, "127.0.0.1", resolve));
  const address = files.address();
  port = typeof address === "object" && address ? address.port : 0;
  [browser, chat] = await Promise.all([
    startChromium(),
    startChat({
      ...{ id: "chat-1", roles: ["gate", "room"], discovery: "memory", prefix: "/chat" },
      ...{ ws: 0, tcp: undefined, http: undefined, cluster: "127.0.0.1:0", tokenFile: undefined },
    }),
  ]);
}, 60_000);

afterAll(async () => {
  await browser?.close();
  await chat?.stop();
  await new Promise((resolve) => files?.close(resolve));
  await rm(folder, { recursive: true, force: true });
});

async function open(): Promise<Page> {
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${port}/?ws=${chat.ready.ws}&name=ann&room=react`);
  return page;
}

async function speaks(page: Page): Promise<void> {
  await page.waitForSelector("output >> text=open");
  await page.fill("input", "hello from React");
  await page.click("button");
  await page.waitForSelector("li >> text=ann: hello from React");
}

/** Somebody comes and speaks, another cannot have the name, and who reloads the page has it again. */
async function chats(): Promise<void> {
  const page = await open();
  await speaks(page);
  const other = await open();
  await other.waitForSelector("[role=alert] >> text=ann is in react already");
  await other.close();
  await page.reload();
  await speaks(page);
  await page.close();
}

describe("the React example, with the generated client", () => {
  test("bundled by vite, chats in Chromium", async () => {
    await vite({ configFile: join(react, "vite.config.ts"), logLevel: "error", build: { outDir: folder, emptyOutDir: true } });
    await chats();
  }, 60_000);

  test("bundled by esbuild, chats in Chromium", async () => {
    const { warnings } = await esbuild({
      entryPoints: [join(react, "src/main.tsx")],
      jsx: "automatic",
      define: { "process.env.NODE_ENV": '"production"' },
      ...{ bundle: true, minify: true, format: "esm", conditions: ["nano-source"], outdir: folder },
    });
    expect(warnings).toEqual([]);
    await writeFile(join(folder, "index.html"), '<div id="root"></div><script type="module" src="/main.js"></script>');
    await chats();
  }, 60_000);
});
