// Holds the clients, and hands their messages to the servers that answer them.
import { serve } from "nano-rpc";

await serve({ types: ["gate"] });
