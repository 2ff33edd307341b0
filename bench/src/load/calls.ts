// Calls from one server to another, so many under way at once: each answer is followed by the next call. A call that fails ends it.
import { connect as connectHttp2 } from "node:http2";
import { connect as connectSocket } from "node:net";
import type { Duplex } from "node:stream";
import { parseArgs } from "node:util";
import { create, toBinary } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { credentials, makeGenericClientConstructor } from "@grpc/grpc-js";
import { callBody } from "../../../src/link/index.ts";
import { EchoRequestSchema, EchoService } from "../../gen/bench/v1/echo_pb.ts";
import { grpcEcho } from "../grpc-echo.ts";
import { benchHub, benchServer } from "../link-hub.ts";
import { http2WindowBytes, rawFrames } from "../raw-frames.ts";
import { usage } from "../usage.ts";

/** What one run of the load has seen. */
export interface CallsResult {
  readonly calls: number;
  readonly seconds: number;
  readonly load: number;
}

const { values: flags } = parseArgs({
  options: {
    port: { type: "string" },
    /** "link", "raw", "http2", "connect" or "grpc". */
    over: { type: "string", default: "link" },
    inflight: { type: "string", default: "64" },
    seconds: { type: "string", default: "2" },
  },
});
const host = "127.0.0.1";
const port = Number(flags.port);
const warmupMs = 500;
const warmupCpuUs = 1_500_000;
const mostWarmupMs = 15_000;
const message = create(EchoRequestSchema, { seq: 7, name: "somebody", text: "hello there, all" });
const body = Buffer.from(toBinary(EchoRequestSchema, message));

const ways: Readonly<Record<string, () => Promise<(answered: (bytes: number) => void) => void>>> = {
  link,
  raw,
  http2,
  connect,
  grpc,
};
const call = await ways[flags.over]?.();
if (!call) throw new TypeError(`--over is ${Object.keys(ways).join(", ")}, not ${flags.over}`);
let calls = 0;
const cpuAtStart = usage().cpuUs;
const next = (bytes: number): void => {
  if (bytes !== body.length) throw new Error(`an answer of ${bytes} bytes`);
  calls++;
  call(next);
};
for (let under = 0; under < Number(flags.inflight); under++) call(next);
// On a machine that does much else a time says little of how often the code has run.
const untilMs = performance.now() + mostWarmupMs;
while (usage().cpuUs - cpuAtStart < warmupCpuUs && performance.now() < untilMs) {
  await new Promise((resolve) => setTimeout(resolve, warmupMs));
}

// Whoever measures looks at the server now, and says when to begin.
const begin = new Promise((resolve) => process.stdin.once("data", resolve));
console.log("warm ");
await begin;
const [before, startedAt, cpuBefore] = [calls, performance.now(), usage().cpuUs];
await new Promise((resolve) => setTimeout(resolve, Number(flags.seconds) * 1_000));
const seconds = (performance.now() - startedAt) / 1_000;
const result: CallsResult = { calls: calls - before, seconds, load: (usage().cpuUs - cpuBefore) / 1e6 / seconds };
console.log(`result ${JSON.stringify(result)}`);
process.exit(0);

async function link() {
  const hub = benchHub(2n, () => {});
  await hub.start({ host, port: 0 });
  const opened = await hub.linkTo(benchServer(1n, port));
  return (answered: (bytes: number) => void): void => {
    const number = opened.expect(performance.now() + 5_000, (outcome) => {
      if ("case" in outcome && outcome.case === "body") answered(outcome.value.length);
      else throw outcome;
    });
    opened.sendData(callBody(number, "echo.echo.echo", body, { remainingMs: 5_000 }));
  };
}

async function raw() {
  const socket = connectSocket({ host, port, noDelay: true });
  await new Promise((resolve) => socket.once("connect", resolve));
  return overFrames(socket);
}

async function http2() {
  const session = connectHttp2(`http://${host}:${port}`, { settings: { initialWindowSize: http2WindowBytes } });
  await new Promise((resolve) => session.once("connect", resolve));
  session.setLocalWindowSize(http2WindowBytes);
  return overFrames(session.request({ ":method": "POST", ":path": "/" }));
}

function overFrames(stream: Duplex) {
  const waiting: ((bytes: number) => void)[] = [];
  const free: number[] = [];
  const frames = rawFrames(stream, (number, { length }) => {
    const answered = waiting[number];
    free.push(number);
    answered?.(length);
  });
  return (answered: (bytes: number) => void): void => {
    const number = free.pop() ?? waiting.length;
    waiting[number] = answered;
    frames.send(number, body);
  };
}

async function connect() {
  const client = createClient(EchoService, createConnectTransport({ baseUrl: `http://${host}:${port}`, httpVersion: "2" }));
  return (answered: (bytes: number) => void): void => {
    // It answers with a message; that it is the right one is enough.
    void client.echo(message).then(({ text }) => answered(text === message.text ? body.length : 0));
  };
}

async function grpc() {
  const Client = makeGenericClientConstructor(grpcEcho, "EchoService");
  const client = new Client(`${host}:${port}`, credentials.createInsecure());
  return (answered: (bytes: number) => void): void => {
    client["echo"]?.(body, (error: Error | null, bytes?: Buffer) => {
      if (error) throw error;
      answered(bytes?.length ?? 0);
    });
  };
}
