import { next } from "nano-rpc/client";
import { describe, expect, test } from "vitest";
import { RoomClient } from "../../examples/chat/gen/chat/v1/chat_client.ts";
import { createVirtualClock } from "../../src/clock/index.ts";
import { openPair, type Pair } from "./fake-server.ts";

function say(pair: Pair, text: string): void {
  pair.server.push("room.room.said", JSON.stringify({ name: "ann", text }));
}

/** Pushes came when a later answer has. */
async function settled(pair: Pair): Promise<void> {
  const call = pair.client.service(RoomClient).join({ room: "r" });
  pair.server.answer((await pair.server.message()).id, "{}");
  await call;
}

describe("push listeners", () => {
  test("all hear, in order, each until it is removed", async () => {
    await using pair = await openPair();
    const { onSaid, onLeft } = pair.client.service(RoomClient);
    const heard: string[] = [];
    const controller = new AbortController();
    const off = onSaid(({ text }) => heard.push(`one ${text}`));
    onSaid(({ text }) => heard.push(`two ${text}`), { signal: controller.signal });
    onSaid(({ text }) => heard.push(`three ${text}`));
    onLeft(() => heard.push("left"));
    say(pair, "a");
    await settled(pair);
    expect(heard.splice(0)).toEqual(["one a", "two a", "three a"]);
    off();
    off();
    say(pair, "b");
    await settled(pair);
    expect(heard.splice(0)).toEqual(["two b", "three b"]);
    controller.abort();
    say(pair, "c");
    await settled(pair);
    expect(heard.splice(0)).toEqual(["three c"]);
    onSaid(() => heard.push("never"), { signal: controller.signal });
    say(pair, "d");
    await settled(pair);
    expect(heard).toEqual(["three d"]);
  });

  test("the same function may listen twice, and is removed once at a time", async () => {
    await using pair = await openPair();
    const { onSaid } = pair.client.service(RoomClient);
    let count = 0;
    const listener = (): void => void count++;
    const off = onSaid(listener);
    onSaid(listener);
    say(pair, "a");
    await settled(pair);
    expect(count).toBe(2);
    off();
    say(pair, "b");
    await settled(pair);
    expect(count).toBe(3);
  });

  test("one that throws hurts no other, and onError hears of it", async () => {
    const errors: unknown[] = [];
    await using pair = await openPair({ onError: (reason) => void errors.push(reason) });
    const { onSaid } = pair.client.service(RoomClient);
    const heard: string[] = [];
    onSaid(() => {
      throw new Error("mine");
    });
    onSaid(({ text }) => heard.push(text));
    say(pair, "a");
    say(pair, "b");
    await settled(pair);
    expect(heard).toEqual(["a", "b"]);
    expect(errors).toEqual([new Error("mine"), new Error("mine")]);
    expect(pair.client.state.name).toBe("open");
  });

  test("one that removes another in its turn is obeyed at once; one that is added waits for the next", async () => {
    await using pair = await openPair();
    const { onSaid } = pair.client.service(RoomClient);
    const heard: string[] = [];
    onSaid(({ text }) => {
      heard.push(`one ${text}`);
      off();
      if (text === "a") onSaid((later) => heard.push(`late ${later.text}`));
    });
    const off = onSaid(({ text }) => heard.push(`two ${text}`));
    say(pair, "a");
    say(pair, "b");
    await settled(pair);
    expect(heard).toEqual(["one a", "one b", "late b"]);
  });

  test("one that closes the client hears nothing more", async () => {
    await using pair = await openPair();
    const heard: string[] = [];
    pair.client.service(RoomClient).onSaid(({ text }) => {
      heard.push(text);
      void pair.client.close();
    });
    say(pair, "a");
    say(pair, "b");
    await pair.server.closed();
    expect(heard).toEqual(["a"]);
  });

  test("routes may come as codes of the dictionary", async () => {
    await using pair = await openPair({
      answer: { code: 200, sys: { heartbeat: 10, serializer: "json", dict: { "room.room.said": 7, "room.room.join": 8 } } },
    });
    const heard = next(pair.client.service(RoomClient).onSaid);
    // A push with the code 7.
    pair.server.sendPacket(4, Uint8Array.from([0x07, 0x00, 0x07, ...Buffer.from('{"text":"coded"}')]));
    expect((await heard).text).toBe("coded");
    pair.client
      .service(RoomClient)
      .join({ room: "r" })
      .catch(() => {});
    expect(await pair.server.message()).toMatchObject({ route: undefined, code: 8 });
  });

  test("what was not handled, and who is gone, are heard too", async () => {
    await using pair = await openPair();
    const failed = next(pair.client.onFailed);
    const gone = next(pair.client.onGone);
    pair.server.push("nano.failed", '{"route":"room.room.say","code":"unavailable","message":"away"}');
    pair.server.push("nano.gone", '{"type":"room"}');
    expect(await failed).toMatchObject({ route: "room.room.say", code: "unavailable", message: "away" });
    expect(await gone).toMatchObject({ type: "room" });
  });
});

describe("next()", () => {
  test("takes the first that fits, once", async () => {
    await using pair = await openPair();
    const { onSaid } = pair.client.service(RoomClient);
    const fits = next(onSaid, { where: ({ text }) => text.startsWith("b") });
    for (const text of ["a", "b1", "b2"]) say(pair, text);
    expect((await fits).text).toBe("b1");
  });

  test("gives up at its deadline", async () => {
    const clock = createVirtualClock();
    await using pair = await openPair();
    const { onSaid } = pair.client.service(RoomClient);
    const waiting = next(onSaid, { timeoutMs: 100, clock });
    clock.moveTo(100);
    await expect(waiting).rejects.toMatchObject({ code: "deadline_exceeded" });
  });

  test("gives up by a signal", async () => {
    await using pair = await openPair();
    const { onSaid } = pair.client.service(RoomClient);
    const controller = new AbortController();
    const waiting = next(onSaid, { signal: controller.signal });
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ code: "canceled" });
    await expect(next(onSaid, { signal: controller.signal })).rejects.toMatchObject({ code: "canceled" });
  });
});

describe("onState()", () => {
  test("tells the state before, and is removed like any other", async () => {
    await using pair = await openPair();
    const seen: string[] = [];
    const controller = new AbortController();
    pair.client.onState((state, before) => seen.push(`${before.name} to ${state.name}`));
    pair.client.onState(() => seen.push("never"), { signal: controller.signal });
    controller.abort();
    pair.server.kick('{"code":"banned","reason":"out"}');
    await pair.closed();
    expect(seen).toEqual(["open to closed"]);
  });
});
