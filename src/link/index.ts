export { ask } from "./ask.ts";
export { callBody, forwardBody } from "./bodies.ts";
export {
  EnvelopeDecoder,
  endStreamFlag,
  envelopeHeaderBytes,
  maxEnvelopeBytes,
  type TakeEnvelope,
  writeEnvelopeHeader,
} from "./envelope.ts";
export {
  createLinkCounters,
  type FrameBody,
  type Link,
  type LinkCounters,
  type LinkEvents,
  type Outcome,
  type Peer,
  protocolVersion,
} from "./link.ts";
export { createLinkHub, type LinkHub, type LinkHubOptions } from "./link-hub.ts";
export type { LinkTotals } from "./link-totals.ts";
export { createLinkTransport, type LinkTransport, type LinkTransportOptions } from "./link-transport.ts";
export { allPushes, interestOrder, messagesOf, noOrder, type Order, pushesOf } from "./order.ts";
export { PendingCalls } from "./pending-calls.ts";
export { Redial } from "./redial.ts";
export { type Claim, createRoles, type Roles, type RolesOptions } from "./roles.ts";
export { toBigint, toNumber } from "./wide.ts";
