import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Chat, startChat } from "../../examples/chat/src/chat.ts";

let chat: Chat;
let browser: Browser;

beforeAll(async () => {
  chat = await startChat({
    id: "chat-1",
    roles: ["gate", "room"],
    discovery: "memory",
    prefix: "/chat",
    ws: 0,
    tcp: 0,
    http: 0,
    cluster: "127.0.0.1:0",
    tokenFile: undefined,
  });
  browser = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--no-first-run",
    ],
  });
}, 60_000);

afterAll(async () => {
  await browser?.close();
  await chat?.stop();
});

async function enter(name: string): Promise<Page> {
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${chat.ready.http}`);
  await page.fill("#name", name);
  await page.click("#enter button");
  return page;
}

test("two tabs of a real Chromium chat with each other", async () => {
  const ann = await enter("ann");
  await ann.waitForSelector("#chat:not([hidden])");
  const bob = await enter("bob");
  await bob.waitForSelector("#chat:not([hidden])");
  await ann.waitForSelector("#members >> text=bob");
  await bob.fill("#text", "hello <b>ann</b> 😀");
  await bob.click("#say button");
  await ann.waitForSelector("#lines >> text=hello <b>ann</b> 😀");
  const taken = await enter("ann");
  await taken.waitForSelector("#problem >> text=Somebody has this name already.");
  await bob.close();
  await ann.waitForSelector("#lines >> text=bob left");
  expect(await ann.textContent("#members")).toBe("ann");
  const folder = process.env["NANO_SCREENSHOTS"];
  if (folder) await ann.screenshot({ path: `${folder}/chat.png` });
}, 60_000);
