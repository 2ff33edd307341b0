// A client to try it by: `npm run client`, or `npm run client -- ws://play.example.com`.
import { createClient, next, webSocket } from "nano-rpc/client";
import { HelloClient } from "../gen/hello/v1/hello_client.ts";

const client = createClient({ transport: webSocket(process.argv[2] ?? "ws://127.0.0.1:3250") });
const hello = client.service(HelloClient);
await client.connect({ signal: AbortSignal.timeout(5_000) });
const { greeting } = await hello.enter({ name: "ann" });
console.log(greeting);
const waved = next(hello.onWaved);
hello.wave({});
console.log(`${(await waved).name} waves`);
await client.close();
