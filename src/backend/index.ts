export { type Backend, type BackendOptions, createBackend } from "./backend.ts";
export { createSessionFinder, type SessionFinderOptions } from "./session-finder.ts";
export { createSessionWatch, type SessionWatch, type SessionWatchOptions } from "./session-watch.ts";
