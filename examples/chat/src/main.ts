// Any split of the chat over processes.
import { startChat } from "./chat.ts";
import { portOf, readFlags } from "./flags.ts";
import { mustBeFree } from "./port-taken.ts";

const usage = `npm run chat -- [FLAG VALUE]...

  --id ID                 of this server (chat-1)
  --roles ROLES           gate, room, or gate,room (gate,room)
  --discovery WHERE       memory, or etcd://HOST:PORT[,HOST:PORT] (memory)
  --prefix PREFIX         in etcd (/chat)
  --ws PORT, --tcp PORT   where a gate takes clients; 0 picks one
  --http PORT             where a gate shows the page
  --cluster HOST:PORT     where other servers find this one (127.0.0.1:0)
  --token-file FILE       the cluster's secret, asked for beyond loopback
  --encoding ENCODING     of clients that name none: json or protobuf (json)`;

const flags = readFlags(usage, {
  id: { type: "string", default: "chat-1" },
  roles: { type: "string", default: "gate,room" },
  discovery: { type: "string", default: "memory" },
  prefix: { type: "string", default: "/chat" },
  ws: { type: "string" },
  tcp: { type: "string" },
  http: { type: "string" },
  cluster: { type: "string", default: "127.0.0.1:0" },
  "token-file": { type: "string" },
  encoding: { type: "string", default: "json" },
});

const ports = { ws: port("ws", flags.ws), tcp: port("tcp", flags.tcp), http: port("http", flags.http) };
const chat = await startChat({
  id: flags.id,
  roles: flags.roles.split(","),
  discovery: flags.discovery,
  prefix: flags.prefix,
  ...ports,
  cluster: flags.cluster,
  tokenFile: flags["token-file"],
  encoding: flags.encoding,
}).catch(refuse);
process.once("SIGTERM", end).once("SIGINT", end);
console.log(`ready ${JSON.stringify(chat.ready)}`);

function end(): void {
  chat.stop().then(
    () => process.exit(0),
    (reason: unknown) => {
      console.error(reason);
      process.exit(1);
    },
  );
}

/** What makes no sense is told in a line; all else is a fault. */
function refuse(reason: unknown): never {
  if (!(reason instanceof TypeError || reason instanceof RangeError)) return mustBeFree(reason, ports);
  console.error(reason.message.replace("cluster.tokens", "cluster.tokens (by --token-file)"));
  process.exit(2);
}

function port(name: string, text: string | undefined): number | undefined {
  return text === undefined ? undefined : portOf(name, text);
}
