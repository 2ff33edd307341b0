// Clients in Node. TCP stands in `nano-rpc/client/tcp`.
import { buildClient, type Client } from "./client.ts";
import type { ClientOptions } from "./client-options.ts";
import { json } from "./json.ts";

export type { Clock, Timer } from "../clock/index.ts";
export type {
  Call,
  CallOptions,
  ClientService,
  FieldViolation,
  Init,
  Listen,
  ListenOptions,
  MessageCheck,
  Result,
  SchemaCheck,
} from "../contract/index.ts";
export { printedChecks, violationsOf } from "../contract/index.ts";
export type { CloseReason, Code, DeclaredError, KickCode, NanoErrorOptions, UndeclaredError } from "../error/index.ts";
export { NanoError } from "../error/index.ts";
export type { Serializer } from "../serializer/index.ts";
export type { Client } from "./client.ts";
export type { ClientOptions } from "./client-options.ts";
export type { ClientSpan, ClientTracing } from "./client-tracing.ts";
export { type NextOptions, next } from "./next.ts";
export type { ReconnectOptions } from "./reconnect.ts";
export type { ClientState } from "./state.ts";
export type { Transport, TransportEvents, TransportSocket } from "./transport.ts";
export { type WebSocketOptions, webSocket } from "./web-socket.ts";

/** Makes a client. Nothing is opened before `connect`. Throws a TypeError on an encoding without a serializer, a RangeError on a wait that makes no sense. */
export function createClient(options: ClientOptions): Client {
  return buildClient(options, [json]);
}
