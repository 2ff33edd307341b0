// A gate, or a hall whose only rule is that whoever joins is the user of that name. Arguments: id, role, etcd's endpoint, lease in ms.
import { createServer, etcd, implement, silentLogger, webSocket } from "nano-rpc";
import { RoomHandler } from "../../examples/chat/gen/chat/v1/chat_nano.ts";

const [id = "", role = "", endpoint = "", leaseMs = ""] = process.argv.slice(2);

const hall = implement(RoomHandler, {
  async join({ name }, { session }) {
    const { former } = await session.bind(name);
    return { members: [former] };
  },
  say: () => {},
});

const server = createServer({
  id,
  log: silentLogger,
  discovery: etcd({ endpoints: [endpoint], prefix: "/hall", leaseMs: Number(leaseMs) }),
  ...(role === "gate" ? { types: ["gate"], acceptors: [webSocket({ port: 0, host: "127.0.0.1" })] } : { services: [hall] }),
});
await server.start();
console.log(`ready ${JSON.stringify(server.addresses)}`);
