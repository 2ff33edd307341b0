export { type Backend, type BackendOptions, createBackend } from "./backend.ts";
export { createSessionWatch, type SessionWatch, type SessionWatchOptions } from "./session-watch.ts";
