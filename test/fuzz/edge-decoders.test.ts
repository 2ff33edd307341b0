import { describe } from "vitest";
import { testDecoders } from "./engine/hold.ts";
import { edgeTargets } from "./targets/index.ts";

describe("what decodes the bytes of clients, and of a client's server", () => testDecoders(edgeTargets));
