import { afterEach, describe, expect, test, vi } from "vitest";
import type { ByteStream, Listener } from "../../src/net/index.ts";
import { type NetCase, netCases } from "./nets.ts";
import { type Accepted, acceptor, bytes, first, openSockets, Recorder, until } from "./recorder.ts";

interface Pair {
  readonly listener: Listener;
  readonly near: ByteStream;
  readonly heardNear: Recorder;
  readonly far: ByteStream;
  readonly heardFar: Recorder;
}

/** What one net is to every caller: the same whichever it is, so that what is tested in memory holds on the wire. */
describe.each(netCases())("a net: $name", (net: NetCase) => {
  const listeners: Listener[] = [];
  const streams: ByteStream[] = [];

  afterEach(async () => {
    for (const stream of streams.splice(0)) stream.destroy();
    await Promise.all(listeners.splice(0).map((listener) => listener.close()));
    await until(openSockets).toBe(0);
  });

  async function listen(accept: (stream: ByteStream) => Recorder, port?: number): Promise<Listener> {
    const listener = await net.listen((stream) => {
      streams.push(stream);
      return accept(stream);
    }, port);
    listeners.push(listener);
    return listener;
  }

  async function connect(port: number, heard: Recorder): Promise<ByteStream> {
    const stream = await net.connect(port, heard);
    streams.push(stream);
    return stream;
  }

  async function pair(onAccept?: (stream: ByteStream) => void): Promise<Pair> {
    const { accepted, accept } = acceptor(onAccept);
    const listener = await listen(accept as (stream: ByteStream) => Recorder);
    const heardNear = new Recorder();
    const near = await connect(listener.port, heardNear);
    const { stream: far, heard: heardFar }: Accepted = await first(accepted);
    return { listener, near, heardNear, far, heardFar };
  }

  test("port 0 picks a free one, and says which", async () => {
    const one = await listen(() => new Recorder());
    const other = await listen(() => new Recorder());
    expect(one.host).toBe("127.0.0.1");
    expect(one.port).toBeGreaterThan(0);
    expect(other.port).not.toBe(one.port);
  });

  test("port 0 steps over a port that was asked for", async () => {
    const one = await listen(() => new Recorder());
    const named = await listen(() => new Recorder(), one.port + 1).catch(() => undefined);
    const other = await listen(() => new Recorder());
    expect(other.port).not.toBe(one.port);
    expect(other.port).not.toBe(named?.port);
  });

  test("a taken port is an error that names it", async () => {
    const { port } = await listen(() => new Recorder());
    await expect(listen(() => new Recorder(), port)).rejects.toThrow(new RegExp(`EADDRINUSE.*\\b${port}\\b`));
  });

  test("a closed listener frees its port, and takes nobody", async () => {
    const { accepted, accept } = acceptor();
    const listener = await listen(accept as (stream: ByteStream) => Recorder);
    await listener.close();
    await expect(connect(listener.port, new Recorder())).rejects.toThrow("ECONNREFUSED");
    expect(accepted).toEqual([]);
    const again = await listen(() => new Recorder(), listener.port);
    expect(again.port).toBe(listener.port);
    await expect(listener.close()).resolves.toBeUndefined();
  });

  test("nobody listens: connecting is refused", async () => {
    const { port, close } = await listen(() => new Recorder());
    await close();
    await expect(connect(port, new Recorder())).rejects.toThrow("ECONNREFUSED");
  });

  test("bytes go both ways, in order", async () => {
    const { near, far, heardNear, heardFar } = await pair();
    expect(near.remoteAddress).not.toBe("");
    expect(far.remoteAddress).not.toBe("");
    for (const word of ["one ", "two ", "three"]) near.write(bytes(word));
    for (const word of ["eins ", "zwei ", "drei"]) far.write(bytes(word));
    await until(() => heardFar.text).toBe("one two three");
    await until(() => heardNear.text).toBe("eins zwei drei");
  });

  test("what is accepted may speak first", async () => {
    const { heardNear } = await pair((stream) => void stream.write(bytes("welcome")));
    await until(() => heardNear.text).toBe("welcome");
  });

  test("bytes given are plain: a slice of them is a copy", async () => {
    let sliced: Uint8Array | undefined;
    let given: Uint8Array | undefined;
    const heard = new Recorder();
    const listener = await listen(() =>
      Object.assign(heard, {
        data(data: Uint8Array) {
          given = data;
          sliced = data.slice(0, 1);
        },
      }),
    );
    const stream = await connect(listener.port, new Recorder());
    stream.write(bytes("abc"));
    await until(() => given?.length).toBe(3);
    expect(given?.constructor).toBe(Uint8Array);
    if (given) given[0] = 0;
    expect(sliced?.[0]).toBe("a".charCodeAt(0));
  });

  test("end: what was written arrives, then both are closed, once, without an error", async () => {
    const { near, heardNear, heardFar } = await pair();
    const large = new Uint8Array(1_000_000).fill(1);
    near.write(large);
    near.write(bytes("!"));
    near.end();
    near.end();
    expect(near.write(bytes("never"))).toBe(false);
    await until(() => heardFar.closes).toEqual([undefined]);
    await until(() => heardNear.closes).toEqual([undefined]);
    expect(heardFar.byteCount).toBe(large.length + 1);
    expect([...heardFar.late, ...heardNear.late]).toEqual([]);
  });

  test("whoever has ended hears nothing more", async () => {
    const { near, far, heardNear, heardFar } = await pair();
    far.write(bytes("did you hear?"));
    near.end();
    await until(() => heardFar.closes.length).toBe(1);
    await until(() => heardNear.closes.length).toBe(1);
    expect(heardNear.text).toBe("");
    expect(far.write(bytes("and now?"))).toBe(false);
  });

  test("a stream ended while it is accepted says its last words and hears nothing", async () => {
    const { near, heardNear, heardFar } = await pair((stream) => {
      stream.write(bytes("no room"));
      stream.end();
    });
    near.write(bytes("hello?"));
    await until(() => heardNear.text).toBe("no room");
    await until(() => heardNear.closes.length).toBe(1);
    await until(() => heardFar.closes.length).toBe(1);
    expect(heardFar.text).toBe("");
  });

  test("destroy: both are closed, once, and hear nothing more", async () => {
    const { near, far, heardNear, heardFar } = await pair();
    far.write(bytes("too late"));
    near.destroy();
    near.destroy();
    near.end();
    expect(near.write(bytes("never"))).toBe(false);
    await until(() => heardNear.closes.length).toBe(1);
    await until(() => heardFar.closes.length).toBe(1);
    expect(heardNear.text).toBe("");
    expect([...heardFar.late, ...heardNear.late]).toEqual([]);
  });

  test("a stream destroyed while it is accepted is closed, once", async () => {
    const { heardNear, heardFar } = await pair((stream) => stream.destroy());
    await until(() => heardFar.closes.length).toBe(1);
    await until(() => heardNear.closes.length).toBe(1);
    await listeners[0]?.close();
    expect([...heardFar.late, ...heardNear.late]).toEqual([]);
  });

  test("a full pipe says so, counts what waits, and tells when it has gone", async () => {
    const { near, heardNear, heardFar } = await pair();
    const piece = new Uint8Array(64 * 1_024);
    let written = 0;
    let most = 0;
    let room = true;
    while (room && written < 64 * 1_024 * 1_024) {
      room = near.write(piece);
      written += piece.length;
      most = Math.max(most, near.queuedBytes);
    }
    expect(room).toBe(false);
    expect(most).toBeGreaterThan(0);
    await until(() => heardNear.drains).toBeGreaterThan(0);
    await until(() => heardFar.byteCount).toBe(written);
    await until(() => near.queuedBytes).toBe(0);
    expect(near.write(bytes("."))).toBe(true);
  });

  test("a paused listener takes nobody; those that are there go on; resumed, it takes again", async () => {
    const { accepted, accept } = acceptor();
    const listener = await listen(accept as (stream: ByteStream) => Recorder);
    const heard = new Recorder();
    const there = await connect(listener.port, heard);
    const { heard: heardThere } = await first(accepted);

    listener.pause();
    const refused = new Recorder();
    // Refused at once, or taken by the system and closed without a word.
    await connect(listener.port, refused).catch((error: Error) => refused.closed(error));
    await until(() => refused.closes.length).toBe(1);
    expect(accepted.length).toBe(1);
    there.write(bytes("still here"));
    await until(() => heardThere.text).toBe("still here");

    listener.resume();
    // A moment later.
    await vi.waitFor(() => connect(listener.port, new Recorder()), { timeout: 5_000 });
    await until(() => accepted.length).toBe(2);
  });

  test("closing a listener leaves its streams to whoever has them", async () => {
    const { listener, near, far, heardFar, heardNear } = await pair();
    const closed = listener.close();
    await expect(connect(listener.port, new Recorder())).rejects.toThrow();
    near.write(bytes("last"));
    await until(() => heardFar.text).toBe("last");
    far.end();
    await until(() => heardNear.closes.length).toBe(1);
    await closed;
  });

  test("a connect that is given up rejects with the signal's reason", async () => {
    const { accepted, accept } = acceptor();
    const { port } = await listen(accept as (stream: ByteStream) => Recorder);
    const before = new Recorder();
    await expect(net.connect(port, before, AbortSignal.abort(new Error("given up")))).rejects.toThrow("given up");
    const giver = new AbortController();
    const during = net.connect(port, before, giver.signal);
    giver.abort(new Error("given up"));
    await expect(during).rejects.toThrow("given up");
    for (const { stream } of accepted) stream.destroy();
    expect(before.closes).toEqual([]);
  });

  test("aborting after it is connected changes nothing", async () => {
    const { accepted, accept } = acceptor();
    const { port } = await listen(accept as (stream: ByteStream) => Recorder);
    const giver = new AbortController();
    const stream = await net.connect(port, new Recorder(), giver.signal);
    streams.push(stream);
    giver.abort();
    stream.write(bytes("still"));
    const { heard } = await first(accepted);
    await until(() => heard.text).toBe("still");
  });
});
