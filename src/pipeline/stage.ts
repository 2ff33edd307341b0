/** What a client's message passes, in this order. A refusal is counted under the stage that refused. */
export const stages = ["packet", "limit", "access", "route", "validate", "before", "handler", "after", "encode"] as const;

/** One stage of a message's way. */
export type Stage = (typeof stages)[number];

/** How many messages each stage refused. */
export type RefusalCounts = { [S in Stage]: number };

/** All at zero. */
export function createRefusalCounts(): RefusalCounts {
  return { packet: 0, limit: 0, access: 0, route: 0, validate: 0, before: 0, handler: 0, after: 0, encode: 0 };
}
