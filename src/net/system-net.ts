import { spareDescriptors } from "./descriptors.ts";
import { http2Net } from "./http2-net.ts";
import type { Net } from "./net.ts";
import { connectTcp, listenTcp } from "./tcp-net.ts";
import { webSocketNet } from "./web-socket-net.ts";

/** The machine's own network. */
export const systemNet: Net = {
  listen: listenTcp,
  connect: connectTcp,
  webSocket: webSocketNet,
  http2: http2Net,
  spareSockets: spareDescriptors,
};
