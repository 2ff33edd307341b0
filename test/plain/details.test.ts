import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, type ConnectRouter } from "@connectrpc/connect";
import { createServer, silentLogger, tcp } from "nano-rpc";
import { type Client, createClient, violationsOf } from "nano-rpc/client";
import { tcp as overTcp } from "nano-rpc/client/tcp";
import { expect, test } from "vitest";
import { memory } from "../../src/discovery/index.ts";
import { packSchema } from "../../src/route/index.ts";
import { until } from "../net/recorder.ts";
import { PlayClient } from "../schema/gen/play/v1/play_client.ts";
import { PlayHandler } from "../schema/gen/play/v1/play_nano.ts";
import { BrokenSchema, PlayService, PlaySessionSchema } from "../schema/gen/play/v1/play_pb.ts";
import { RulesClient } from "../schema/gen/rules/v1/rules_client.ts";
import { RulesHandler } from "../schema/gen/rules/v1/rules_nano.ts";
import { RulesService } from "../schema/gen/rules/v1/rules_pb.ts";
import { type Offer, routed, startForeign } from "./foreign-server.ts";

/** A gate and a client over sockets, and a server of another language behind the gate. */
async function stand(
  encoding: "protobuf" | "json",
  answers: (router: ConnectRouter) => unknown,
  offer: Offer,
): Promise<AsyncDisposable & { readonly client: Client }> {
  const discovery = memory();
  const gate = createServer({
    id: "gate-1",
    types: ["gate"],
    discovery,
    acceptors: [tcp({ port: 0 })],
    cluster: { tokens: ["a secret of the cluster, over 32 bytes"] },
    log: silentLogger,
  });
  await gate.start();
  const foreign = await startForeign(
    discovery,
    "foreign",
    routed((router) => void answers(router)),
    undefined,
    offer,
  );
  const client = createClient({
    encoding,
    transport: overTcp({ host: "127.0.0.1", port: Number(gate.addresses["tcp"]?.split(":").at(-1)) }),
  });
  await until(() => gate.servers().some(({ id }) => id === "foreign")).toBe(true);
  await client.connect();
  return {
    client,
    async [Symbol.asyncDispose]() {
      await client.close();
      await foreign.stop();
      await gate.stop({ graceMs: 100 });
    },
  };
}

// By gRPC, in `grpc-status-details-bin`, as every language has it.
test.each(["protobuf", "json"] as const)(
  "the detail of an error that a server in another language declares arrives in %s",
  async (encoding) => {
    const answers = (router: ConnectRouter): unknown =>
      router.service(PlayService, {
        fail({ how }) {
          const detail =
            how === "detail"
              ? { desc: BrokenSchema, value: create(BrokenSchema, { part: "wheel" }) }
              : { desc: PlaySessionSchema, value: create(PlaySessionSchema, { note: "another" }) };
          throw new ConnectError("broken", Code.FailedPrecondition, undefined, [detail]);
        },
      });
    await using stood = await stand(encoding, answers, { types: ["play"], schema: packSchema([PlayHandler]).gzip });
    const play = stood.client.service(PlayClient);
    const broken = await play.fail({ how: "detail" }).result();
    if (broken.ok || !broken.error.declared || broken.error.code !== "failed_precondition") throw new Error("not declared");
    expect(broken.error.detail).toEqual(create(BrokenSchema, { part: "wheel" }));
    const other = await play.fail({ how: "other" }).result();
    expect(other.ok ? "ok" : [other.error.code, other.error.declared]).toEqual(["failed_precondition", false]);
  },
);

test("a server in another language is sent nothing that breaks the rules of its schema", async () => {
  const asked: string[] = [];
  const answers = (router: ConnectRouter): unknown =>
    router.service(RulesService, {
      ask({ name }) {
        asked.push(name);
        return { asked: asked.length };
      },
    });
  await using stood = await stand("protobuf", answers, { types: ["rules"], schema: packSchema([RulesHandler]).gzip });
  const rules = stood.client.service(RulesClient);
  const refused = await rules.ask({ name: "far too long" }).result();
  expect(refused.ok ? "ok" : [refused.error.code, violationsOf(refused.error)]).toEqual([
    "invalid_argument",
    [{ field: "name", rule: "string.max_len", message: "must be at most 8 characters" }],
  ]);
  expect((await rules.ask({ name: "ann" })).asked).toBe(1);
  expect(asked).toEqual(["ann"]);
});
