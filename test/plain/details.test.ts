import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { createServer, silentLogger, tcp } from "nano-rpc";
import { createClient } from "nano-rpc/client";
import { tcp as overTcp } from "nano-rpc/client/tcp";
import { expect, test } from "vitest";
import { memory } from "../../src/discovery/index.ts";
import { packSchema } from "../../src/route/index.ts";
import { until } from "../net/recorder.ts";
import { PlayClient } from "../schema/gen/play/v1/play_client.ts";
import { PlayHandler } from "../schema/gen/play/v1/play_nano.ts";
import { BrokenSchema, PlayService, PlaySessionSchema } from "../schema/gen/play/v1/play_pb.ts";
import { routed, startForeign } from "./foreign-server.ts";

// By gRPC, in `grpc-status-details-bin`, as every language has it.
test.each(["protobuf", "json"] as const)(
  "the detail of an error that a server in another language declares arrives in %s",
  async (encoding) => {
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
    const routes = routed((router) =>
      router.service(PlayService, {
        fail({ how }) {
          const detail =
            how === "detail"
              ? { desc: BrokenSchema, value: create(BrokenSchema, { part: "wheel" }) }
              : { desc: PlaySessionSchema, value: create(PlaySessionSchema, { note: "another" }) };
          throw new ConnectError("broken", Code.FailedPrecondition, undefined, [detail]);
        },
      }),
    );
    const offer = { types: ["play"], schema: packSchema([PlayHandler]).gzip };
    const foreign = await startForeign(discovery, "plays", routes, undefined, offer);
    const client = createClient({
      encoding,
      transport: overTcp({ host: "127.0.0.1", port: Number(gate.addresses["tcp"]?.split(":").at(-1)) }),
    });
    try {
      await until(() => gate.servers().some(({ id }) => id === "plays")).toBe(true);
      await client.connect();
      const play = client.service(PlayClient);
      const broken = await play.fail({ how: "detail" }).result();
      if (broken.ok || !broken.error.declared || broken.error.code !== "failed_precondition") throw new Error("not declared");
      expect(broken.error.detail).toEqual(create(BrokenSchema, { part: "wheel" }));
      const other = await play.fail({ how: "other" }).result();
      expect(other.ok ? "ok" : [other.error.code, other.error.declared]).toEqual(["failed_precondition", false]);
    } finally {
      await client.close();
      await foreign.stop();
      await gate.stop({ graceMs: 100 });
    }
  },
);
