// Clients: for browsers and Node. TCP stands in `nano-rpc/client/tcp`.

export type { Clock, Timer } from "../clock/index.ts";
export type { Call, CallOptions, ClientService, Init, Listen, ListenOptions, Result } from "../contract/index.ts";
export type { CloseReason, Code, DeclaredError, KickCode, NanoErrorOptions, UndeclaredError } from "../error/index.ts";
export { NanoError } from "../error/index.ts";
export type { Serializer } from "../serializer/index.ts";
export { type Client, createClient } from "./client.ts";
export type { ClientOptions } from "./client-options.ts";
export { type NextOptions, next } from "./next.ts";
export type { ReconnectOptions } from "./reconnect.ts";
export type { ClientState } from "./state.ts";
export type { Transport, TransportEvents, TransportSocket } from "./transport.ts";
export { type WebSocketOptions, webSocket } from "./web-socket.ts";
