// Any split of the chat over processes.
import { parseArgs } from "node:util";
import { startChat } from "./chat.ts";
import { mustBeFree } from "./port-taken.ts";

const { values: flags } = parseArgs({
  options: {
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
  },
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
  if (text === undefined) return undefined;
  const number = Number(text);
  if (text !== "" && Number.isInteger(number) && number >= 0 && number <= 65_535) return number;
  console.error(`--${name} is a port from 0 to 65535, not "${text}"`);
  return process.exit(2);
}
