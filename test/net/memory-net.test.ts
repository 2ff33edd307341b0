import { describe, expect, test } from "vitest";
import { createVirtualClock, turn } from "../../src/clock/index.ts";
import { type ByteStream, createMemoryNet } from "../../src/net/index.ts";
import { type Accepted, acceptor, bytes, Recorder } from "./recorder.ts";

const host = "127.0.0.1";
const never = new AbortController().signal;

/** A room that listens, and whoever dials it; time stands unless it is moved. */
async function hosts(latencyMs?: number) {
  const clock = createVirtualClock();
  const net = createMemoryNet({ clock, ...(latencyMs === undefined ? {} : { latencyMs }) });
  const { accepted, accept } = acceptor();
  const { port } = await net.as("room").listen({ host, port: 0 }, accept);
  async function dial(from: string, heard = new Recorder()): Promise<{ stream: ByteStream; heard: Recorder; far: Accepted }> {
    const connecting = net.as(from).connect({ host, port }, heard, never);
    if (latencyMs) await pass(latencyMs);
    const stream = await connecting;
    return { stream, heard, far: accepted.at(-1) as Accepted };
  }
  async function pass(ms: number): Promise<void> {
    clock.moveTo(clock.now() + ms);
    await turn();
  }
  return { clock, net, port, accepted, dial, pass };
}

describe("createMemoryNet()", () => {
  test("no proxy is believed to stand before a listener", async () => {
    const { net } = await hosts();
    const listening = net.as("room").listen({ host, port: 0, proxy: { trusted: ["127.0.0.1"] } }, acceptor().accept);
    await expect(listening).rejects.toThrow("no proxy");
  });

  test("peers see each other's host; bytes take their time, and are under way", async () => {
    const { net, dial, pass } = await hosts(20);
    const { stream, far } = await dial("gate");
    expect(stream.remoteAddress).toBe("room");
    expect(far.stream.remoteAddress).toBe("gate");
    stream.write(bytes("hi"));
    await pass(19);
    expect([far.heard.text, net.underway, stream.queuedBytes]).toEqual(["", 1, 2]);
    await pass(1);
    expect([far.heard.text, net.underway, stream.queuedBytes]).toEqual(["hi", 0, 0]);
  });

  test("a cut loses bytes in silence and lets nobody through; healed, the stream that lost some breaks, at both ends", async () => {
    const { net, port, dial, accepted } = await hosts();
    const gate = await dial("gate");
    const other = await dial("other");
    net.cut("room", "gate");
    expect(gate.stream.write(bytes("lost"))).toBe(true);
    other.stream.write(bytes("not lost"));
    const during = new Recorder();
    const dialling = new AbortController();
    const swallowed = net.as("gate").connect({ host, port }, during, dialling.signal);
    await turn();
    expect([gate.far.heard.text, other.far.heard.text]).toEqual(["", "not lost"]);
    expect(gate.heard.closes).toEqual([]);
    expect(accepted.length).toBe(2);

    net.heal("gate", "room");
    await turn();
    for (const heard of [gate.heard, gate.far.heard]) {
      expect(heard.closes.map((error) => error?.message)).toEqual(["read ECONNRESET: bytes were lost"]);
    }
    expect(other.heard.closes).toEqual([]);
    // The dial of before stays lost: whoever dials has a deadline.
    dialling.abort(new Error("too late"));
    await expect(swallowed).rejects.toThrow("too late");
    expect((await dial("gate")).heard.closes).toEqual([]);
  });

  test("a cut that nothing went through leaves streams whole", async () => {
    const { net, dial } = await hosts();
    const { stream, heard, far } = await dial("gate");
    net.cut("gate", "room");
    net.heal("gate", "room");
    stream.write(bytes("as before"));
    await turn();
    expect([far.heard.text, heard.closes.length]).toEqual(["as before", 0]);
  });

  test("bytes under way when it is cut are lost too", async () => {
    const { net, dial, pass } = await hosts(20);
    const { stream, heard, far } = await dial("gate");
    stream.write(bytes("half way"));
    await pass(10);
    net.cut("gate", "room");
    await pass(10);
    expect(far.heard.text).toBe("");
    net.heal("gate", "room");
    await turn();
    expect(heard.closes.length).toBe(1);
  });

  test("behind a cut, a stream that is ended or destroyed closes on its own side only, until healed", async () => {
    const { net, dial } = await hosts();
    const [ended, destroyed] = [await dial("gate"), await dial("gate")];
    net.cut("gate", "room");
    ended.stream.end();
    destroyed.stream.destroy();
    await turn();
    for (const { heard, far } of [ended, destroyed]) expect([heard.closes.length, far.heard.closes.length]).toEqual([1, 0]);
    net.heal("gate", "room");
    await turn();
    for (const { heard, far } of [ended, destroyed]) expect([heard.closes.length, far.heard.closes.length]).toEqual([1, 1]);
  });

  test("a reset breaks every stream between two hosts, and no other", async () => {
    const { net, dial } = await hosts();
    const [one, two, other] = [await dial("gate"), await dial("gate"), await dial("other")];
    net.reset("gate", "room");
    expect(one.stream.write(bytes("never"))).toBe(false);
    await turn();
    for (const { heard, far } of [one, two]) {
      expect(heard.closes[0]?.message).toBe("read ECONNRESET");
      expect(far.heard.closes[0]?.message).toBe("read ECONNRESET");
    }
    expect(other.heard.closes).toEqual([]);
  });

  test("a crashed host is gone: listeners, streams, and whatever it dials", async () => {
    const { net, port, dial } = await hosts();
    const { heard } = await dial("gate");
    const room = net.as("room");
    net.crash("room");
    await turn();
    expect(heard.closes[0]?.message).toBe("read ECONNRESET");
    await expect(dial("gate")).rejects.toThrow("ECONNREFUSED");
    const restarted = await net.as("room-2").listen({ host, port }, acceptor().accept);
    const dead = new AbortController();
    const dialled = room.connect({ host, port: restarted.port }, new Recorder(), dead.signal);
    await turn();
    dead.abort(new Error("dead"));
    await expect(dialled).rejects.toThrow("dead");
    await expect(room.listen({ host, port: 0 }, acceptor().accept)).rejects.toThrow("ENETDOWN");
  });

  test("a host that has crashed is there again for whoever asks for it later", async () => {
    const { net, port, dial } = await hosts();
    net.crash("room");
    await net.as("room").listen({ host, port }, acceptor().accept);
    const { stream } = await dial("gate");
    expect(stream.remoteAddress).toBe("room");
  });

  test("what is delayed stays in order, also behind what is sent when the delay is over", async () => {
    const { net, dial, pass } = await hosts();
    const { stream, far } = await dial("gate");
    net.delay("gate", "room", 50);
    stream.write(bytes("one "));
    await pass(10);
    net.delay("gate", "room", 0);
    stream.write(bytes("two"));
    await pass(39);
    expect(far.heard.text).toBe("");
    await pass(1);
    expect(far.heard.text).toBe("one two");
    stream.write(bytes(" three"));
    await pass(0);
    expect(far.heard.text).toBe("one two three");
  });

  test("a break that one end sees leaves the other standing, and what it writes is lost", async () => {
    const { net, dial, pass } = await hosts();
    const { heard, far } = await dial("gate");
    net.reset("gate", "room", "gate");
    await pass(0);
    expect([heard.closes.length, far.heard.closes.length]).toEqual([1, 0]);
    expect(far.stream.write(bytes("lost"))).toBe(true);
    await pass(0);
    expect([heard.text, far.stream.queuedBytes]).toEqual(["", 0]);
  });
});
