import { type ClientHttp2Session, connect, type IncomingHttpHeaders } from "node:http2";
import type { Code } from "nano-rpc";
import { codes } from "../src/error/index.ts";
import { soon } from "./patience.ts";

/** What came back. */
export interface Answer {
  /** "reset": the stream ended without a status. */
  readonly code: Code | "ok" | "reset";
  readonly message: string;
  readonly bodies: readonly Uint8Array[];
}

/** What is called. */
interface RawCall {
  /** As "chat.v1.RoomService/Join". */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** One for each message. */
  readonly bodies: readonly Uint8Array[];
}

/** A connection to a server's cluster port. It says what it is told to, whether the protocol has it or not, and never gives a call up by itself. */
export interface Caller {
  /** Throws Failed where nothing comes back. */
  call(call: RawCall): Promise<Answer>;
  /** The same in Connect's words for unary calls; undefined where the server does not know them. */
  connect(call: RawCall): Promise<Answer | undefined>;
  close(): void;
}

// What a status of HTTP means where there is none of gRPC.
const statusCodes: ReadonlyMap<number, Code> = new Map([
  [400, "internal"],
  [401, "unauthenticated"],
  [403, "permission_denied"],
  [404, "unimplemented"],
  [429, "unavailable"],
  [431, "resource_exhausted"],
  [502, "unavailable"],
  [503, "unavailable"],
  [504, "unavailable"],
]);

/** @param address As "10.0.0.1:4000". */
export async function openCaller(address: string): Promise<Caller> {
  const session = connect(`http://${address}`);
  session.on("error", () => {});
  await soon(`${address} takes connections`, ready(session));
  const what = ({ path }: RawCall): string => `${path} is answered`;
  return {
    async call(call) {
      const body = Buffer.concat(call.bodies.map(enveloped));
      const headers = { "content-type": "application/grpc+proto", te: "trailers", ...call.headers };
      const { status, heads, data } = await soon(what(call), exchange(session, call.path, headers, body));
      const number = heads["grpc-status"];
      const code = number === undefined ? (statusCodes.get(status) ?? "reset") : number === "0" ? "ok" : codeOf(Number(number));
      return { code, message: decodeURIComponent(String(heads["grpc-message"] ?? "")), bodies: opened(data) };
    },
    async connect(call) {
      const headers = { "content-type": "application/proto", "connect-protocol-version": "1", ...call.headers };
      const body = Buffer.concat(call.bodies);
      const { status, heads, data } = await soon(what(call), exchange(session, call.path, headers, body));
      const type = heads["content-type"] ?? "";
      if (status === 200 && type === "application/proto") return { code: "ok", message: "", bodies: [data] };
      if (type !== "application/json") return undefined;
      const { code, message } = JSON.parse(data.toString()) as { readonly code: Code; readonly message?: string };
      return { code, message: message ?? "", bodies: [] };
    },
    close: () => session.destroy(),
  };
}

function ready(session: ClientHttp2Session): Promise<void> {
  return new Promise((resolve, reject) => {
    session.once("remoteSettings", () => resolve()).once("close", () => reject(new Error("the connection was closed")));
    session.once("error", reject);
  });
}

interface Exchange {
  /** 0 where no headers came. */
  readonly status: number;
  /** Headers and trailers. */
  readonly heads: IncomingHttpHeaders;
  readonly data: Buffer;
}

function exchange(
  session: ClientHttp2Session,
  path: string,
  headers: Readonly<Record<string, string>>,
  body: Uint8Array,
): Promise<Exchange> {
  const heads: IncomingHttpHeaders = {};
  const data: Buffer[] = [];
  let status = 0;
  return new Promise((resolve) => {
    const stream = session.request({ ...headers, ":method": "POST", ":path": `/${path}` });
    stream.on("response", (received) => {
      status = Number(received[":status"]);
      Object.assign(heads, received);
    });
    stream.on("trailers", (received) => Object.assign(heads, received));
    stream.on("data", (bytes: Buffer) => data.push(bytes));
    stream.on("error", () => {});
    stream.on("close", () => resolve({ status, heads, data: Buffer.concat(data) }));
    stream.end(body);
  });
}

/** A message as gRPC frames it: not compressed, its length, its bytes. */
function enveloped(body: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(body.length, 1);
  return Buffer.concat([head, body]);
}

function opened(data: Buffer): Uint8Array[] {
  const bodies: Uint8Array[] = [];
  for (let at = 0; at + 5 <= data.length; ) {
    const end = at + 5 + data.readUInt32BE(at + 1);
    bodies.push(data.subarray(at + 5, end));
    at = end;
  }
  return bodies;
}

function codeOf(number: number): Code {
  return codes[number - 1] ?? "unknown";
}
