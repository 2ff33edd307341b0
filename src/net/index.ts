export { addressKey } from "./address-key.ts";
export { type Datagrams, openDatagrams } from "./datagrams.ts";
export { type HttpAnswer, listenHttp } from "./http-endpoint.ts";
export type { Http2Answer, Http2Call, Http2Caller } from "./http2-caller.ts";
export { createMemoryNet, type MemoryNet } from "./memory-net.ts";
export type {
  ByteStream,
  Http2Handler,
  Http2Net,
  Http2Refusal,
  HttpServer,
  Listener,
  ListenOptions,
  Net,
  ProxyOptions,
  StreamEvents,
  StreamStatus,
  TlsIdentity,
  TlsOptions,
  WebSocketNet,
  WebSocketRules,
} from "./net.ts";
export { StreamError } from "./stream-error.ts";
export { systemNet } from "./system-net.ts";
export { connectWebSocket } from "./web-socket-connect.ts";
