export type { RoutePolicy } from "./policy-message.ts";
export { type PackedSchema, packSchema, type RouteInfo, type RouteKind, readSchema, type ServerSchema } from "./schema.ts";
