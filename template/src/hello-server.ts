// Answers what gates hand on.
import { serve } from "nano-rpc";
import { hello } from "./hello.ts";

await serve({ services: [hello] });
