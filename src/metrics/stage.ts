/** One stage of a client's message on its way, in this order. A refusal is counted under the stage that refused. */
export type Stage = "packet" | "limit" | "access" | "route" | "validate" | "before" | "handler" | "after" | "encode";

/** How many messages each stage refused. */
export type RefusalCounts = { [S in Stage]: number };

/** All at zero. */
export function createRefusalCounts(): RefusalCounts {
  return { packet: 0, limit: 0, access: 0, route: 0, validate: 0, before: 0, handler: 0, after: 0, encode: 0 };
}
