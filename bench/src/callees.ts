// One server that says back what it is asked, in the ways that servers can ask each other: a link, raw frames on TCP and on HTTP/2, connect-node, grpc-js.
import { createServer as createHttp2Server, type ServerHttp2Stream } from "node:http2";
import { type AddressInfo, createServer } from "node:net";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData } from "@grpc/grpc-js";
import { EchoService } from "../gen/bench/v1/echo_pb.ts";
import { grpcEcho } from "./grpc-echo.ts";
import { benchHub } from "./link-hub.ts";
import { http2WindowBytes, rawFrames } from "./raw-frames.ts";
import { answerUsage } from "./usage.ts";

const host = "127.0.0.1";

const hub = benchHub(1n, (link, body) => {
  if (body.case === "call") link.answer(body.value.call, { case: "body", value: body.value.body });
});
const link = Number((await hub.start({ host, port: 0 })).split(":")[1]);

const raw = await listening(
  createServer({ noDelay: true }, (socket) => {
    const frames = rawFrames(socket, (call, body) => frames.send(call, body));
    socket.on("error", () => {});
  }),
);

const http2Server = createHttp2Server({ settings: { initialWindowSize: http2WindowBytes } });
http2Server.on("session", (session) => session.setLocalWindowSize(http2WindowBytes));
http2Server.on("stream", (stream: ServerHttp2Stream) => {
  stream.respond({ ":status": 200 });
  const frames = rawFrames(stream, (call, body) => frames.send(call, body));
  stream.on("error", () => {});
});
const http2 = await listening(http2Server);

const connect = await listening(
  createHttp2Server(
    connectNodeAdapter({
      routes: (router) => void router.service(EchoService, { echo: ({ seq, name, text }) => ({ seq, name, text }) }),
    }),
  ),
);

const grpcServer = new Server();
grpcServer.addService(grpcEcho, {
  echo: (call: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>) => answer(null, call.request),
});
const grpc = await new Promise<number>((resolve, reject) => {
  grpcServer.bindAsync(`${host}:0`, ServerCredentials.createInsecure(), (error, port) => (error ? reject(error) : resolve(port)));
});

answerUsage();
process.once("SIGTERM", () => process.exit(0));
console.log(`ready ${JSON.stringify({ link, raw, http2, connect, grpc })}`);

function listening(server: {
  listen(port: number, host: string, done: () => void): unknown;
  address(): unknown;
}): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, host, () => resolve((server.address() as AddressInfo).port));
  });
}
