export { createMemoryNet, type MemoryNet } from "./memory-net.ts";
export type {
  ByteStream,
  Http2Handler,
  Http2Net,
  Listener,
  Net,
  StreamEvents,
  StreamStatus,
  TlsOptions,
  WebSocketNet,
} from "./net.ts";
export { StreamError } from "./stream-error.ts";
export { systemNet } from "./system-net.ts";
