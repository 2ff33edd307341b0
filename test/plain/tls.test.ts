import { createClient as createCaller, type HandlerContext } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { createServer, memory, silentLogger, type TlsOptions, tcp } from "nano-rpc";
import { createClient } from "nano-rpc/client";
import { tcp as overTcp } from "nano-rpc/client/tcp";
import { afterAll, expect, test } from "vitest";
import { RoomClient } from "../../examples/chat/gen/chat/v1/chat_client.ts";
import { RoomService } from "../../examples/chat/gen/chat/v1/chat_pb.ts";
import { SessionService } from "../../gen/nano/cluster/v1/session_pb.ts";
import { until } from "../net/recorder.ts";
import { createAuthority } from "../server/certificates.ts";
import { routed, sessionOf, startForeign } from "./foreign-server.ts";

const ours = createAuthority({ "play-1": "URI:nano:type:play" });
const theirs = createAuthority();
afterAll(() => Promise.all([ours.remove(), theirs.remove()]));

/** Calls a server as whoever has a certificate. */
function transport(address: string | undefined, { cert, key }: TlsOptions) {
  const nodeOptions = { cert, key, ca: ours.ca, servername: "nano.cluster" };
  return createGrpcTransport({ baseUrl: `https://${address}`, nodeOptions });
}

test("with certificates servers that take plain calls are called by TLS, and call back by it", async () => {
  const discovery = memory();
  const all = { discovery, log: silentLogger };
  const gate = createServer({
    ...all,
    id: "gate-1",
    types: ["gate"],
    acceptors: [tcp({ port: 0 })],
    cluster: { tls: ours.tls("gate") },
  });
  await gate.start();
  const own = ours.tls("room-1");
  let last: HandlerContext | undefined;
  const routes = routed((router) =>
    router.service(RoomService, {
      async join({ name }, context) {
        last = context;
        const { session, capability } = sessionOf(context);
        const frontend = createCaller(SessionService, transport(gate.addresses["cluster"], own));
        await frontend.bind({ session: { session, capability }, user: name });
        return { members: [name] };
      },
    }),
  );
  const foreign = await startForeign(discovery, "room-1", routes, own);
  await until(() => gate.servers().length).toBe(2);
  const port = Number(gate.addresses["tcp"]?.split(":").at(-1));
  const client = createClient({ transport: overTcp({ host: "127.0.0.1", port }) });
  await client.connect();
  const room = client.service(RoomClient);
  expect((await room.join({ room: "lobby", name: "ann" })).members).toEqual(["ann"]);

  // In its place one of another authority: it is not called.
  await foreign.stop();
  const other = await startForeign(discovery, "room-2", routes, theirs.tls("room-1"));
  await until(() => gate.servers().some(({ id }) => id === "room-2")).toBe(true);
  last = undefined;
  const refused = await room.join({ room: "lobby", name: "bob" }).result();
  expect([refused.ok ? "ok" : refused.error.code, last]).toEqual(["unavailable", undefined]);
  await other.stop();

  // And one whose certificate does not say what its record does.
  const posing = await startForeign(discovery, "room-3", routes, ours.tls("play-1"));
  await until(() => gate.servers().some(({ id }) => id === "room-3")).toBe(true);
  const posed = await room.join({ room: "lobby", name: "bob" }).result();
  expect([posed.ok ? "ok" : posed.error.code, last]).toEqual(["unavailable", undefined]);
  expect(gate.counters.cluster?.linksRefused.certificate).toBeGreaterThan(0);
  await client.close();
  await posing.stop();
  await gate.stop({ graceMs: 100 });
}, 60_000);
