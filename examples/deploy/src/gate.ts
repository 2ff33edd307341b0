// Holds the clients of the chat. Where it listens, and where etcd is, comes from outside: docs/reference/configuration.md.
import { serve } from "nano-rpc";
import { traces } from "./traces.ts";

await serve({ types: ["gate"], ...traces });
