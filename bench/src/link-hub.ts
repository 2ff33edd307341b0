import { systemClock, systemRandom } from "../../src/clock/index.ts";
import type { ServerInfo } from "../../src/discovery/index.ts";
import { createLinkHub, createLinkTransport, type FrameBody, type Link, type LinkHub } from "../../src/link/index.ts";
import { systemNet } from "../../src/net/index.ts";

const quiet = (): void => {};

/** A hub without a server around it: what a link costs, and nothing else. @param frontend Whether it says that it is one. */
export function benchHub(incarnation: bigint, frame: (link: Link, body: FrameBody) => void, frontend = false): LinkHub {
  const id = `bench-${incarnation}`;
  return createLinkHub({
    self: () => ({ id, incarnation, types: ["bench"], frontend, schema: "" }),
    transport: createLinkTransport(systemNet, { authorize: () => false, other: (_request, response) => void response.end() }),
    clock: systemClock,
    random: systemRandom,
    log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    tokens: [],
    load: () => 0,
    events: { opened: quiet, frame, broken: quiet, closed: quiet },
  });
}

/** A server on this machine, as the cluster would know it. */
export function benchServer(incarnation: bigint, port: number): ServerInfo {
  return {
    id: `bench-${incarnation}`,
    incarnation,
    types: ["bench"],
    version: "",
    frontend: false,
    addresses: [`127.0.0.1:${port}`],
    state: "ready",
    protocol: 1,
    schema: "",
    metadata: {},
  };
}
