import { readFileSync } from "node:fs";
import { type Acceptor, tcp, webSocket } from "../../acceptor/index.ts";
import { etcd } from "../../discovery/index.ts";
import type { TlsOptions } from "../../net/index.ts";
import { prometheus, type Reporter, statsd } from "../../reporter/index.ts";
import { hostPort } from "../host-port.ts";
import type { ClusterOptions, ServerOptions } from "../server-options.ts";
import { SettingsError } from "./settings-error.ts";
import type { Settings } from "./tree.ts";

/**
 * The options of a server with settings over those of its code. `tcp`, `ws`, `prometheus` and `statsd` take the place of what has that name in the code;
 * `etcd` that of its discovery; what is a group in both is one group.
 *
 * @throws {SettingsError} An address that is none, or a file that cannot be read.
 */
export function withSettings(options: ServerOptions, settings: Settings): ServerOptions {
  const { tcp: _tcp, ws: _ws, cluster, etcd: registry, prometheus: _prometheus, statsd: _statsd, ...rest } = settings;
  const { workers: _workers, logLevel: _logLevel, users, limits, compression, http, ...plain } = rest;
  const discovery = registry?.endpoints && etcdOf(registry.endpoints, registry);
  return {
    ...options,
    ...plain,
    ...(plain.metadata ? { metadata: { ...options.metadata, ...plain.metadata } } : {}),
    acceptors: replaced(options.acceptors ?? [], acceptorsOf(settings)),
    reporters: replaced(options.reporters ?? [], reportersOf(settings)),
    ...(discovery ? { discovery } : {}),
    ...(cluster ? { cluster: { ...options.cluster, ...clusterOf(cluster) } } : {}),
    ...(users ? { users: { ...options.users, ...users } } : {}),
    ...(limits ? { limits: { ...options.limits, ...limits } } : {}),
    ...(http ? { http: { ...options.http, ...http } } : {}),
    ...(compression ? { compression: compressionOf(options.compression, compression) } : {}),
  };
}

function replaced<T extends { readonly name: string }>(before: readonly T[], now: readonly T[]): readonly T[] {
  return [...before.filter(({ name }) => !now.some((one) => one.name === name)), ...now];
}

function acceptorsOf({ tcp: byTcp, ws }: Settings): readonly Acceptor[] {
  const acceptors: Acceptor[] = [];
  if (byTcp?.listen !== undefined) acceptors.push(tcp({ ...address("tcp.listen", byTcp.listen), ...portOf("tcp", byTcp) }));
  if (ws?.listen !== undefined) {
    const { path, origins } = ws;
    acceptors.push(
      webSocket({
        ...address("ws.listen", ws.listen),
        ...portOf("ws", ws),
        ...(path === undefined ? {} : { path }),
        ...(origins === undefined ? {} : { origins: origins.includes("any") ? "any" : origins }),
      }),
    );
  }
  return acceptors;
}

function portOf(group: string, { tls, proxies }: NonNullable<Settings["tcp"]>): Parameters<typeof tcp>[0] | object {
  return {
    ...(tls ? { tls: tlsOf(`${group}.tls`, tls) } : {}),
    ...(proxies ? { proxy: { trusted: proxies } } : {}),
  };
}

function reportersOf({ prometheus: shown, statsd: told }: Settings): readonly Reporter[] {
  return [...(shown ? [prometheus()] : []), ...(told?.host === undefined ? [] : [statsd(told)])];
}

function clusterOf({ tokenFile, tls, ...addresses }: NonNullable<Settings["cluster"]>): ClusterOptions {
  const tokens = tokenFile === undefined ? undefined : lines(read("cluster.tokenFile", tokenFile));
  return {
    ...addresses,
    ...(tokens ? { tokens } : {}),
    ...(tls ? { tls: { ...tlsOf("cluster.tls", tls), requestCert: true } } : {}),
  };
}

function etcdOf(
  endpoints: readonly string[],
  { tls, passwordFile, ...rest }: NonNullable<Settings["etcd"]>,
): ReturnType<typeof etcd> {
  const pem = tls && tlsOf("etcd.tls", tls);
  if (pem && pem.ca === undefined) throw new SettingsError("etcd.tls.caFile", "etcd.tls.caFile is needed beside etcd.tls");
  return etcd({
    ...rest,
    endpoints,
    ...(passwordFile === undefined ? {} : { password: read("etcd.passwordFile", passwordFile).trim() }),
    ...(pem?.ca === undefined ? {} : { tls: { ...pem, ca: pem.ca } }),
  });
}

function compressionOf(
  before: ServerOptions["compression"],
  { on, leastBytes }: NonNullable<Settings["compression"]>,
): NonNullable<ServerOptions["compression"]> {
  if (on === false || (on === undefined && before === false)) return false;
  return { ...before, ...(leastBytes === undefined ? {} : { leastBytes }) };
}

interface TlsFiles {
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
  readonly caFile?: string | undefined;
}

function tlsOf(group: string, { certFile, keyFile, caFile }: TlsFiles): Pick<TlsOptions, "cert" | "key" | "ca"> {
  return {
    ...(certFile === undefined ? {} : { cert: read(`${group}.certFile`, certFile) }),
    ...(keyFile === undefined ? {} : { key: read(`${group}.keyFile`, keyFile) }),
    ...(caFile === undefined ? {} : { ca: read(`${group}.caFile`, caFile) }),
  };
}

function address(key: string, text: string): { readonly host: string; readonly port: number } {
  try {
    return hostPort(text);
  } catch (reason) {
    throw new SettingsError(key, `${key}: ${reason instanceof Error ? reason.message : String(reason)}`);
  }
}

function read(key: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (reason) {
    throw new SettingsError(key, `${key} cannot be read: ${reason instanceof Error ? reason.message : String(reason)}`);
  }
}

function lines(text: string): readonly string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}
