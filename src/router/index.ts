export { createDirectory, type Directory, type DirectoryOptions, type KnownRoute } from "./directory.ts";
export { readKey } from "./key.ts";
export { rendezvous } from "./rendezvous.ts";
export { createRetries, type FailedTry, type Retries } from "./retry.ts";
export { createRouter, type RouteQuery, type Router, type RouterOptions, type ServerKey } from "./router.ts";
