// Gate and service in one process, for development: nothing else has to run.
import { serve } from "nano-rpc";
import { hello } from "./hello.ts";

const server = await serve({ types: ["gate"], services: [hello] });
console.log("listening", server?.addresses);
