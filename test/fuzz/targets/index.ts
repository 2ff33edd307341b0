import type { Target } from "../engine/target.ts";
import { errorBody, jsonBody, protobufBody } from "./body.ts";
import { envelopes } from "./envelope.ts";
import { handshakeAnswer, handshakeRequest, kick } from "./handshake.ts";
import { inflate } from "./inflate.ts";
import { routeKey } from "./key.ts";
import { linkFrames } from "./link.ts";
import { message } from "./message.ts";
import { origin } from "./origin.ts";
import { packetExact, packetStream } from "./packet.ts";
import { dataPatch } from "./patch.ts";
import { printed } from "./printed.ts";
import { proxyHeader } from "./proxy.ts";
import { record } from "./record.ts";
import { policy, schemaPack, schemaText } from "./schema.ts";
import { webSocketFrames } from "./web-socket.ts";

/** What reads the bytes of clients and of the proxies before them, and on a client those of its server. */
export const edgeTargets: readonly Target[] = [
  webSocketFrames,
  packetStream,
  packetExact,
  message,
  handshakeRequest,
  handshakeAnswer,
  kick,
  jsonBody,
  protobufBody,
  printed,
  errorBody,
  inflate,
  origin,
  proxyHeader,
];

/** What reads the bytes of other servers and of the registry. */
export const clusterTargets: readonly Target[] = [
  envelopes,
  linkFrames,
  routeKey,
  dataPatch,
  record,
  schemaPack,
  schemaText,
  policy,
];
