import { createHash, timingSafeEqual } from "node:crypto";
import type { ClusterCounters } from "../metrics/index.ts";
import type { TlsOptions } from "../net/index.ts";
import { hostPort } from "./host-port.ts";
import type { ServerOptions } from "./server-options.ts";

/** The cluster port as it will be. */
export interface CheckedCluster {
  readonly listen: { readonly host: string; readonly port: number };
  readonly tokens: readonly string[];
  readonly tls: TlsOptions | undefined;
  /** Whether strangers are kept out, by tokens or certificates. */
  readonly shut: boolean;
  /** Whether a plain call may come in, by its headers. Links prove the token by themselves. */
  authorize(headers: Readonly<Record<string, string | string[] | undefined>>): boolean;
}

const leastTokenBytes = 32;

/** Undefined where the server is in no cluster. Throws where strangers could come in: beyond loopback a token or client certificates are asked for. */
export function checkCluster(options: ServerOptions, counters: ClusterCounters): CheckedCluster | undefined {
  if (!options.discovery && !options.cluster) return undefined;
  const { listen = "127.0.0.1:0", tokens = [], tls } = options.cluster ?? {};
  const at = hostPort(listen);
  for (const token of tokens) {
    if (Buffer.byteLength(token) < leastTokenBytes)
      throw new RangeError(`cluster.tokens: a token has at least ${leastTokenBytes} bytes`);
  }
  const certified = tls?.requestCert === true && tls.ca !== undefined;
  const shut = tokens.length > 0 || certified;
  if (!shut && !isLoopback(at.host)) {
    throw new TypeError(
      `the cluster port on ${at.host} is open to strangers: set cluster.tokens, or cluster.tls with requestCert and ca`,
    );
  }
  if (certified && tls.rejectUnauthorized === false) {
    throw new TypeError(
      "cluster.tls asks others for a certificate and takes any of those it dials: leave rejectUnauthorized out",
    );
  }
  const hashes = tokens.map(digest);
  return {
    listen: at,
    tokens,
    tls,
    shut,
    authorize({ authorization }) {
      const known = hashes.length === 0 || bears(authorization, hashes);
      if (!known) counters.callsRefused.token++;
      return known;
    },
  };
}

function bears(authorization: string | string[] | undefined, hashes: readonly Buffer[]): boolean {
  if (typeof authorization !== "string" || !authorization.startsWith("Bearer ")) return false;
  const hash = digest(authorization.slice("Bearer ".length));
  return hashes.filter((one) => timingSafeEqual(one, hash)).length > 0;
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}

function digest(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}
