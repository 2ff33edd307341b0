import { createServer, type Server, silentLogger, tcp } from "nano-rpc";
import { afterEach, expect, test } from "vitest";
import { chatRooms } from "../../examples/chat/src/rooms.ts";

let server: Server | undefined;

afterEach(() => server?.stop({ graceMs: 100 }));

async function schemaPage(schema: boolean): Promise<Response> {
  server = createServer({
    acceptors: [tcp({ port: 0 })],
    services: chatRooms(),
    http: { schema },
    log: silentLogger,
  });
  await server.start();
  return fetch(`http://${server.addresses["http"]}/schema`);
}

test("/schema shows every route of clients with its messages, and no remote", async () => {
  const answer = await schemaPage(true);
  expect(answer.headers.get("content-type")).toBe("application/json");
  const { handlers } = (await answer.json()) as { readonly handlers: Record<string, { readonly input: unknown }> };
  expect(Object.keys(handlers).sort()).toEqual([
    "room.room.join",
    "room.room.joined",
    "room.room.left",
    "room.room.said",
    "room.room.say",
  ]);
  expect(handlers["room.room.join"]?.input).toEqual({ "*proto.chat.v1.JoinRequest": { name: "string", room: "string" } });
});

test("it is not there unless asked for", async () => {
  expect((await schemaPage(false)).status).toBe(404);
});
