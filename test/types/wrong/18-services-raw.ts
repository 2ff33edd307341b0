import { createServer } from "nano-rpc";

createServer({ services: [{ join: () => ({}), say() {} }] });
