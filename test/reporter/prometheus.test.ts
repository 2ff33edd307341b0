import { spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { createServer, memory, prometheus, type Server, silentLogger, tcp } from "nano-rpc";
import { createClient } from "nano-rpc/client";
import { tcp as dial } from "nano-rpc/client/tcp";
import { afterEach, expect, test } from "vitest";
import { RoomClient } from "../../examples/chat/gen/chat/v1/chat_client.ts";
import { chatRooms } from "../../examples/chat/src/rooms.ts";
import { metricCatalog } from "../../src/metrics/index.ts";
import { until } from "../net/recorder.ts";
import { startPrometheus } from "../support/prometheus.ts";
import { scrape, startChat } from "./scraped-chat.ts";

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start(discovery = memory(), id = "gate-1"): Promise<Server> {
  const server = createServer({
    ...{ id, discovery, log: silentLogger, http: {}, reporters: [prometheus()] },
    acceptors: [tcp({ port: 0 })],
    services: chatRooms(),
  });
  await server.start();
  cleanups.push(() => server.stop({ graceMs: 0 }));
  return server;
}

/** One who has joined a room, and could not join it as somebody without a name. */
async function chat(server: Server): Promise<void> {
  const [host = "", port = ""] = (server.addresses["tcp"] ?? "").split(":");
  const client = createClient({ transport: dial({ host, port: Number(port) }) });
  cleanups.push(() => client.close());
  await client.connect();
  const room = client.service(RoomClient);
  await room.join({ room: "lobby", name: "ann" });
  await expect(room.join({ room: "lobby", name: "" })).rejects.toThrow("1 to 32");
}

const get = (server: Server, path: string): Promise<Response> => fetch(`http://${server.addresses["http"]}${path}`);

test("what was counted is read over HTTP, with what the application counts", async () => {
  const server = await start();
  const said = server.metrics.counter({ name: "chat_lines_total", help: "Lines said.", labels: ["room"] });
  said.add(2, { room: 'the "lobby"\n' });
  server.metrics.gauge({ name: "chat_rooms", help: "Rooms." }, () => 7);
  const size = server.metrics.histogram({ name: "chat_line_length", help: "Letters.", buckets: [1, 10] });
  for (const length of [1, 5, 50]) size.observe(length);
  await chat(server);
  const answer = await get(server, "/metrics");
  expect(answer.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  const lines = (await answer.text()).split("\n");
  expect(lines).toEqual(
    expect.arrayContaining([
      'chat_lines_total{room="the \\"lobby\\"\\n"} 2',
      "chat_rooms 7",
      'chat_line_length_bucket{le="1"} 1',
      'chat_line_length_bucket{le="10"} 2',
      'chat_line_length_bucket{le="+Inf"} 3',
      "chat_line_length_sum 56",
      "chat_line_length_count 3",
      "nano_ready 1",
      'nano_connections{acceptor="tcp",state="open"} 1',
      "nano_sessions 1",
      "nano_users 1",
      "nano_connections_accepted_total 1",
      "nano_messages_received_total 2",
      'nano_call_duration_seconds_count{kind="handler",route="room.room.join"} 2',
      'nano_calls_failed_total{kind="handler",route="room.room.join",code="invalid_argument"} 1',
      'nano_calls_pending{kind="handler"} 0',
      'nano_servers{type="room",state="ready"} 1',
      'nano_limit_hits_total{limit="connections"} 0',
      'nano_cluster_refused_total{kind="links",reason="token"} 0',
    ]),
  );
  expect(lines.some((line) => line.startsWith("nodejs_eventloop_lag_seconds "))).toBe(true);
});

test("promtool finds nothing to say against it", async () => {
  const server = await start();
  await chat(server);
  const text = await (await get(server, "/metrics")).text();
  const { stdout, stderr, status } = spawnSync("promtool", ["check", "metrics"], { input: text, encoding: "utf8" });
  // Those of prom-client for the process are as they are.
  const words = `${stdout}${stderr}`.split("\n").filter((line) => line !== "" && !/^(process|nodejs)_/.test(line));
  expect({ words, known: status === 0 || status === 3 }).toEqual({ words: [], known: true });
});

test("a real Prometheus finds the servers of the cluster by /sd, and scrapes them", async () => {
  const discovery = memory();
  const one = await start(discovery, "gate-1");
  await start(discovery, "gate-2");
  await chat(one);
  await until(() => one.servers().length).toBe(2);
  const { ask } = await startPrometheus(`http://${one.addresses["http"]}/sd`, cleanups);
  const values = async (query: string): Promise<unknown> =>
    (await ask(query))?.map(({ metric, value }) => `${metric["server"] ?? "all"} ${value[1]}`).sort();
  await expect.poll(() => values("nano_sessions"), { timeout: 20_000 }).toEqual(["gate-1 1", "gate-2 0"]);
  // Either server may have the room.
  const asked = 'sum(nano_call_duration_seconds_count{route="room.room.join"})';
  await expect.poll(() => values(asked), { timeout: 20_000 }).toEqual(["all 2"]);
});

test("probes learn whether it lives, and whether it takes work", async () => {
  const server = await start();
  expect((await get(server, "/healthz")).status).toBe(200);
  const ready = await get(server, "/readyz");
  expect([ready.status, await ready.json()]).toEqual([200, { state: "ready", ready: true, reasons: [] }]);
  await server.drain({ graceMs: 0 });
  const draining = await get(server, "/readyz");
  expect([draining.status, await draining.json()]).toEqual([503, { state: "draining", ready: false, reasons: ["draining"] }]);
  expect((await get(server, "/healthz")).status).toBe(200);
  expect((await get(server, "/nothing")).status).toBe(404);
  const posted = await fetch(`http://${server.addresses["http"]}/metrics`, { method: "POST", body: "x".repeat(1_000_000) });
  expect(posted.status).toBe(405);
});

test("two reporters cannot be at one path", () => {
  expect(() => createServer({ reporters: [prometheus(), prometheus()] })).toThrow("/metrics");
});

test("the page and the catalog list every name that is shown, and no other", async () => {
  const { gate, room, play } = await startChat(cleanups);
  await play();
  const text = [...(await scrape(gate)), ...(await scrape(room))].join("\n");
  const shown = new Set([...text.matchAll(/^# TYPE (nano_\w+) (\w+)$/gm)].map(([, name, kind]) => `${name} ${kind}`));
  const page = await readFile(fileURLToPath(new URL("../../docs/metrics.md", import.meta.url)), "utf8");
  const listed = new Set([...page.matchAll(/^\| `(nano_\w+)` \| (\w+) \|/gm)].map(([, name, kind]) => `${name} ${kind}`));
  expect([...shown].sort()).toEqual([...listed].sort());
  expect([...shown].sort()).toEqual(
    Object.entries(metricCatalog)
      .map(([name, { kind }]) => `${name} ${kind}`)
      .sort(),
  );
});
