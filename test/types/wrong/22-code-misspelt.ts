import { NanoError } from "nano-rpc";

throw new NanoError({ code: "alredy_exists", message: "x" });
