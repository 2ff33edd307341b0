import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Chat, type ChatOptions, startChat } from "../../examples/chat/src/chat.ts";
import { enterChat, startChromium } from "../support/chromium.ts";

const options: ChatOptions = {
  id: "chat-1",
  roles: ["gate", "room"],
  discovery: "memory",
  prefix: "/chat",
  ws: 0,
  tcp: 0,
  http: 0,
  cluster: "127.0.0.1:0",
  tokenFile: undefined,
};
let chat: Chat;
let browser: Browser;

beforeAll(async () => {
  chat = await startChat(options);
  browser = await startChromium();
}, 60_000);

afterAll(async () => {
  await browser?.close();
  await chat?.stop();
});

const enter = (name: string, room = "lobby"): Promise<Page> => enterChat(browser, chat.ready.http ?? 0, { name, room });

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

test("a tab whose server went away comes back by itself, and says what was typed meanwhile", async () => {
  const { ws, http } = chat.ready;
  const cat = await enter("cat", "cellar");
  await cat.waitForSelector("#chat:not([hidden])");
  await chat.stop();
  await cat.waitForSelector("#state >> text=offline");
  await cat.fill("#text", "typed in the dark");
  await cat.click("#say button");
  chat = await startChat({ ...options, ws: ws ?? 0, http: http ?? 0 });
  await cat.waitForSelector("#state >> text=open");
  await cat.waitForSelector("#lines >> text=typed in the dark");
  expect(await cat.textContent("#members")).toBe("cat");
}, 60_000);
