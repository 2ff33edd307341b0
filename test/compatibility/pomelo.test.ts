// pomelo's own client for browsers, run as it comes from npm (pomelo-jsclient-websocket 0.1.1 with pomelo-protocol 0.1.6).
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { chatRooms } from "../../examples/chat/src/rooms.ts";
import { openPomeloPage, type Pomelo, type PomeloPage } from "./pomelo-page.ts";
import { type Started, startServer } from "./started.ts";

const flagAt = 4;
const isData = (packet: Uint8Array): boolean => packet[0] === 4;
const isHeartbeat = (packet: Uint8Array): boolean => packet[0] === 3;
const codedBit = 0x01;

let chat: Started;
let pages: Pomelo[] = [];
let users: unknown[];

beforeEach(async () => {
  users = [];
  chat = await startServer({
    services: chatRooms(),
    limits: { heartbeatMs: 1_000 },
    authenticate: ({ user }) => {
      users.push(user);
      return undefined;
    },
  });
});

afterEach(async () => {
  for (const pomelo of pages) pomelo.disconnect();
  pages = [];
  await chat[Symbol.asyncDispose]();
});

async function come(user: object = {}): Promise<PomeloPage> {
  const page = openPomeloPage();
  pages.push(page.pomelo);
  await new Promise<void>((resolve) => page.pomelo.init({ host: "127.0.0.1", port: chat.ws, user }, resolve));
  return page;
}

const ask = ({ pomelo }: PomeloPage, route: string, msg: object): Promise<unknown> =>
  new Promise((resolve) => pomelo.request(route, msg, resolve));

const hear = ({ pomelo }: PomeloPage, event: string): Promise<unknown> => new Promise((resolve) => pomelo.on(event, resolve));

describe("pomelo's client", () => {
  test("joins, says and hears, with codes of the dictionary both ways", async () => {
    const [ann, bob] = [await come({ token: "t" }), await come()];
    expect(users).toEqual([{ token: "t" }, {}]);
    expect(await ask(ann, "room.room.join", { room: "lobby", name: "ann" })).toEqual({ members: ["ann"] });
    const joined = hear(ann, "room.room.joined");
    expect(await ask(bob, "room.room.join", { room: "lobby", name: "bob" })).toEqual({ members: ["ann", "bob"] });
    expect(await joined).toEqual({ name: "bob" });
    const said = hear(bob, "room.room.said");
    ann.pomelo.notify("room.room.say", { text: "hi" });
    expect(await said).toEqual({ name: "ann", text: "hi" });
    const coded = (packets: readonly Uint8Array[]): boolean[] =>
      packets.filter(isData).map((packet) => ((packet[flagAt] ?? 0) & codedBit) !== 0);
    expect(coded(ann.sent)).toEqual([true, true]);
    // Its answer has no route; what it was pushed has a code.
    expect(coded(bob.received)).toEqual([false, true]);
  });

  test("old routes of two parts are answered", async () => {
    const ann = await come();
    expect(await ask(ann, "room.join", { room: "lobby", name: "ann" })).toEqual({ members: ["ann"] });
  });

  test("what lies beyond ASCII arrives as it was, both ways, in the handshake too", async () => {
    const name = "ä€😀";
    const ann = await come({ name });
    expect(users).toEqual([{ name }]);
    expect(await ask(ann, "room.room.join", { room: "lobby", name })).toEqual({ members: [name] });
    const said = hear(ann, "room.room.said");
    ann.pomelo.notify("room.room.say", { text: name.repeat(3) });
    expect(await said).toEqual({ name, text: name.repeat(3) });
  });

  test("a large push comes whole: it cannot inflate", async () => {
    const ann = await come();
    await ask(ann, "room.room.join", { room: "lobby", name: "ann" });
    const text = "a long line, ".repeat(2_000);
    const said = hear(ann, "room.room.said");
    ann.pomelo.notify("room.room.say", { text });
    expect(await said).toEqual({ name: "ann", text });
  });

  test("an error comes to the callback: it knows no flag", async () => {
    const ann = await come();
    expect(await ask(ann, "room.room.join", { room: "lobby", name: "" })).toMatchObject({ code: "invalid_argument" });
    expect(await ask(ann, "room.room.nothing", {})).toMatchObject({ code: "not_found" });
  });

  test("300 requests at once, each gets its own answer, whatever bytes its id has", async () => {
    const ann = await come();
    const answers = await Promise.all(Array.from({ length: 250 }, () => ask(ann, "room.room.nothing", {})));
    const more = await Promise.all(Array.from({ length: 50 }, () => ask(ann, "room.room.join", { room: "r", name: "" })));
    expect(answers.filter((answer) => (answer as { code: string }).code === "not_found")).toHaveLength(250);
    expect(more.filter((answer) => (answer as { code: string }).code === "invalid_argument")).toHaveLength(50);
  });

  test("heartbeats keep it alive, both ways", async () => {
    const ann = await come();
    let lost = false;
    ann.pomelo.on("disconnect", () => {
      lost = true;
    });
    await expect.poll(() => ann.sent.filter(isHeartbeat).length, { timeout: 10_000 }).toBeGreaterThanOrEqual(2);
    expect(ann.received.filter(isHeartbeat).length).toBeGreaterThanOrEqual(3);
    expect(lost).toBe(false);
  });

  test("a kick says why", async () => {
    const ann = await come();
    const kicked = hear(ann, "onKick");
    const closed = hear(ann, "disconnect");
    await chat.server.stop();
    expect(await kicked).toEqual({ code: "moved", reason: expect.stringMatching(/./) });
    await closed;
  });
});
