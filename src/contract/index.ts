export { ByteWriter } from "./byte-writer.ts";
export { asCall, type Call, type CallOptions, type Result } from "./call.ts";
export type { ClientError, ClientMethod, ClientService, Listen, ListenOptions } from "./client-service.ts";
export { type Codec, encodeMessage, reflectCodec } from "./codec.ts";
export { packDeclared, unpackDeclared } from "./declared-error.ts";
export type { Answer, Done, Init } from "./init.ts";
export type { Method, Notify, Push, Request } from "./method.ts";
export { type DeclaredErrorPolicy, type Delivery, defaultTimeoutMs, type MethodPolicy, type RouteBy } from "./policy.ts";
export type { HandlerService, RemoteService, ServiceDefinition } from "./service.ts";
