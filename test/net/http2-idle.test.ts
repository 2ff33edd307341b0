import { connect } from "node:net";
import { afterEach, expect, test } from "vitest";
import { type Listener, systemNet } from "../../src/net/index.ts";

const listeners: Listener[] = [];

afterEach(() => Promise.all(listeners.splice(0).map((listener) => listener.close())));

async function listen(more: { readonly idleTimeoutMs?: number; readonly maxConnections?: number }): Promise<number> {
  const { http2 } = systemNet;
  if (!http2) throw new Error("no HTTP/2");
  const at = { host: "127.0.0.1", port: 0, path: "/stream", authorize: () => true, other: () => {} };
  const listener = await http2.listen({ ...at, ...more }, () => {
    throw new Error("nobody opens a stream");
  });
  listeners.push(listener);
  return listener.port;
}

/** Somebody who says nothing: whether the connection has been closed. */
function silent(port: number): { readonly closed: Promise<void>; isClosed(): boolean; end(): void } {
  const socket = connect(port, "127.0.0.1").on("error", () => {});
  const closed = new Promise<void>((resolve) => socket.resume().once("close", () => resolve()));
  return { closed, isClosed: () => socket.destroyed, end: () => void socket.destroy() };
}

test("a connection on which nothing comes is closed after so long as was said, and never where that is 0", async () => {
  const patient = silent(await listen({ idleTimeoutMs: 0 }));
  const startedAt = performance.now();
  await silent(await listen({ idleTimeoutMs: 200 })).closed;
  expect(performance.now() - startedAt).toBeGreaterThan(150);
  expect(patient.isClosed()).toBe(false);
  patient.end();
});

test("connections beyond the limit are closed at once", async () => {
  const port = await listen({ maxConnections: 1 });
  const all = [silent(port), silent(port)];
  await Promise.race(all.map(({ closed }) => closed));
  expect(all.filter((one) => one.isClosed())).toHaveLength(1);
  for (const one of all) one.end();
});
