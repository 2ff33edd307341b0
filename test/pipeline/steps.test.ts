import { create } from "@bufbuild/protobuf";
import {
  contextKey,
  createServer,
  implement,
  NanoError,
  onlyFor,
  type PipelineCall,
  type Server,
  type Step,
  silentLogger,
  tcp as tcpAcceptor,
} from "nano-rpc";
import { createClient } from "nano-rpc/client";
import { tcp } from "nano-rpc/client/tcp";
import { afterEach, describe, expect, test } from "vitest";
import { askServices } from "../remote/ask.ts";
import { DeskClient } from "../schema/gen/ask/v1/ask_client.ts";
import { AskMethod, DeskMethod } from "../schema/gen/ask/v1/ask_nano.ts";
import { DoRequestSchema, DoResponseSchema } from "../schema/gen/ask/v1/ask_pb.ts";
import { WhoMethod, WhoRemote } from "../schema/gen/play/v1/play_nano.ts";
import { AnyResponseSchema } from "../schema/gen/play/v1/play_pb.ts";

let server: Server | undefined;

afterEach(() => server?.stop({ graceMs: 100 }));

/** A server with these steps around everything, and some around one remote service; and a client of it. */
async function start(pipeline: readonly Step[], ofWho: readonly Step[] = [], heard: string[] = []) {
  const who = implement(
    WhoRemote,
    {
      any(_request, { caller }) {
        heard.push("remote");
        return { server: "one", caller: caller.id };
      },
      owner: () => ({}),
      break: () => ({}),
    },
    { pipeline: ofWho },
  );
  const desk = askServices("one", ({ word }) => void heard.push(`handler ${word}`));
  const started = createServer({
    id: "one",
    acceptors: [tcpAcceptor({ port: 0 })],
    services: [...desk, who],
    pipeline,
    log: silentLogger,
  });
  server = started;
  await started.start();
  const [host = "", port] = (started.addresses["tcp"] ?? "").split(":");
  const client = createClient({ transport: tcp({ host, port: Number(port) }) });
  await client.connect();
  return { server: started, client, desk: client.service(DeskClient), heard };
}

const around =
  (name: string, heard: string[]): Step =>
  async (call, next) => {
    heard.push(`${name} before`);
    try {
      return await next(call);
    } finally {
      heard.push(`${name} after`);
    }
  };

describe("the steps around a call", () => {
  test("of the server come first and end last, those of the service between, the method in the middle; for remotes, too", async () => {
    const heard: string[] = [];
    const { desk, server, client } = await start(
      [around("first", heard), around("second", heard)],
      [around("service", heard)],
      heard,
    );
    await desk.do({ word: "x" });
    expect(heard.splice(0)).toEqual(["first before", "second before", "handler x", "second after", "first after"]);
    await server.remote(WhoRemote).any({});
    expect(heard).toEqual([
      ...["first before", "second before", "service before", "remote"],
      ...["service after", "second after", "first after"],
    ]);
    await client.close();
  });

  test("see the call: its method, session, message, deadline, and values that later steps and the handler share", async () => {
    const key = contextKey<string>("who");
    const seen: unknown[] = [];
    const look: Step = async (call, next) => {
      const { method, session, ctx } = call;
      seen.push(method.route, session?.id !== undefined, ctx.deadlineMs > 0, ctx.attempt, ctx.values.get(key));
      ctx.values.set(key, "set");
      if (call.is(DeskMethod.do)) seen.push(call.message.word);
      return next(call);
    };
    const { desk, server, client } = await start([look, look]);
    await desk.do({ word: "x" });
    const [route, ...once] = ["ask.desk.do", true, true, 0];
    expect(seen.splice(0)).toEqual([route, ...once, undefined, "x", route, ...once, "set", "x"]);
    await server.remote(WhoRemote).any({});
    expect(seen.slice(0, 3)).toEqual(["play.who.any", false, true]);
    await client.close();
  });

  test("refuse: the caller hears why, and nothing behind them runs", async () => {
    const refuse: Step = async () => {
      throw new NanoError({ code: "permission_denied", message: "closed on Sundays" });
    };
    const { desk, server, client, heard } = await start([refuse]);
    expect(await desk.do({ word: "x" }).result()).toMatchObject({
      error: { code: "permission_denied", message: "closed on Sundays" },
    });
    await expect(server.remote(WhoRemote).any({})).rejects.toMatchObject({ code: "permission_denied" });
    expect(heard).toEqual([]);
    await client.close();
  });

  test("that break by mistake tell the caller nothing", async () => {
    const broken: Step = () => {
      throw new TypeError("the secret is 42");
    };
    const { desk, client } = await start([broken]);
    const { error } = (await desk.do({ word: "x" }).result()) as { error: NanoError };
    expect(error.code).toBe("internal");
    expect(error.message).not.toContain("42");
    await client.close();
  });

  test("answer in place of the method, and change what comes in and what goes out", async () => {
    const answers = onlyFor(DeskMethod.do, async (call, next) => {
      if (call.message.word === "cached") return create(DoResponseSchema, { server: "the cache" });
      const message = create(DoRequestSchema, { word: call.message.word.toUpperCase() });
      await next({ ...call, message });
      return create(DoResponseSchema, { server: "the step", attempt: 7 });
    });
    const { desk, client, heard } = await start([answers]);
    expect(await desk.do({ word: "cached" })).toMatchObject({ server: "the cache" });
    expect(await desk.do({ word: "quiet" })).toMatchObject({ server: "the step", attempt: 7 });
    expect(await desk.see({ word: "left alone" })).toMatchObject({ server: "one", attempt: 0 });
    expect(heard).toEqual(["handler QUIET", "handler left alone"]);
    await client.close();
  });

  test("of one method leave all others alone, and narrow the message", async () => {
    const methods: string[] = [];
    const only = onlyFor(WhoMethod.any, async (call: PipelineCall, next) => {
      methods.push(call.method.route);
      await next(call);
      return create(AnyResponseSchema, { server: "step" });
    });
    const { server } = await start([only, onlyFor(AskMethod.tell, () => expect.fail())]);
    expect(await server.remote(WhoRemote).any({})).toMatchObject({ server: "step" });
    await server.remote(WhoRemote).owner({});
    expect(methods).toEqual(["play.who.any"]);
  });

  test("have the call's time: when it is over the caller hears so, the step's signal aborts, and what it still answers is nobody's", async () => {
    const seen: unknown[] = [];
    let ended = (): void => {};
    const end = new Promise<void>((resolve) => {
      ended = resolve;
    });
    const slow: Step = async (call, next) => {
      await new Promise<void>((resolve) => call.ctx.signal.addEventListener("abort", () => resolve(), { once: true }));
      seen.push((call.ctx.signal.reason as NanoError).code);
      ended();
      return next(call);
    };
    const { server, heard } = await start([slow]);
    await expect(server.remote(WhoRemote).any({}, { timeoutMs: 50 })).rejects.toMatchObject({ code: "deadline_exceeded" });
    await end;
    expect(seen).toEqual(["deadline_exceeded"]);
    expect(heard).toEqual([]);
  });
});
