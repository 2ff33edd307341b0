export { type Callers, type CallersOptions, createCallers } from "./callers.ts";
export { createLinkCalls, type LinkCalls } from "./link-calls.ts";
export { createPlainRemotes } from "./plain-remotes.ts";
export { createRemotes, type Remotes, type RemotesOptions } from "./remotes.ts";
