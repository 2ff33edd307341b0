export type { ByteStream, Http2Handler, Http2Net, Listener, Net, StreamEvents, TlsOptions, WebSocketNet } from "./net.ts";
