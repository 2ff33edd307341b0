export { atHome, type OwnedBy } from "./at-home.ts";
export { createDirectory, type Directory, type DirectoryOptions, type KnownRoute } from "./directory.ts";
export { readKey } from "./key.ts";
export { createOwnership, type Home, type Ownership, type OwnershipOptions, type ReleaseReason } from "./ownership.ts";
export { rendezvous } from "./rendezvous.ts";
export { createRetries, type FailedTry, type Retries } from "./retry.ts";
export { createRouter, type RouteQuery, type Router, type RouterOptions, type ServerKey } from "./router.ts";
export type { RoutedCall, RoutedSession, RoutingFunction } from "./routing-function.ts";
export { failureOutcome, WrongServer } from "./wrong-server.ts";
