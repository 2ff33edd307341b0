import { type Clock, systemClock } from "../../clock/index.ts";
import type { ServerInfo } from "../../discovery/index.ts";
import { systemNet } from "../../net/index.ts";
import { serversOf } from "../cluster/cluster-access.ts";
import type { ClusterAccess } from "../cluster/cluster-flags.ts";
import { etcdRemedy } from "../cluster/out-of-reach.ts";
import { CommandError } from "../command.ts";
import type { Finding } from "./finding.ts";

const timeoutMs = 3_000;
// Leases and signatures bear more; logs and tokens that run out do not.
const mostSkewMs = 2_000;

/** etcd, its clock, the servers that it knows, and whether they can be reached from here. */
export async function lookAtCluster(access: ClusterAccess): Promise<readonly Finding[]> {
  const what = `etcd ${access.endpoints}`;
  const clocks = await Promise.all(endpointsOf(access.endpoints).map((endpoint) => lookAtClock(endpoint)));
  try {
    const beganMs = systemClock.now();
    const { servers, refused } = await serversOf(access);
    const took = Math.round(systemClock.now() - beganMs);
    const found = `answers (${took} ms), ${servers.length} servers under ${access.prefix}`;
    const foreign: readonly Finding[] =
      refused > 0
        ? [
            {
              ...{ what: "records", state: "wrong", seen: `${refused} are not signed by this cluster's token` },
              remedy:
                "give all servers the same cluster.tokens, and this command the same --token-file; two clusters take two prefixes",
            },
          ]
        : [];
    const reached = await Promise.all(servers.map(lookAtServer));
    return [{ what, state: "well", seen: found }, ...foreign, ...clocks.flat(), ...reached];
  } catch (reason) {
    if (!(reason instanceof CommandError)) throw reason;
    const [seen = ""] = reason.message.split("\n");
    return [{ what, state: "wrong", seen, remedy: etcdRemedy }, ...clocks.flat()];
  }
}

/** By how much the clock here and that of etcd's machine differ, by the date that it answers HTTP with. */
async function lookAtClock(endpoint: string, clock: Clock = systemClock): Promise<readonly Finding[]> {
  const late = new AbortController();
  const timer = clock.after(timeoutMs, () => late.abort());
  try {
    const { headers } = await fetch(`${endpoint}/version`, { signal: late.signal });
    const theirs = Date.parse(headers.get("date") ?? "");
    if (Number.isNaN(theirs)) return [];
    // Their seconds are whole ones, cut.
    const skewMs = Math.abs(clock.wallNow() - theirs - 500);
    const what = `clock beside ${endpoint}`;
    if (skewMs < mostSkewMs) return [{ what, state: "well", seen: "the same, to within two seconds" }];
    const seen = `${Math.round(skewMs / 1_000)} s apart`;
    return [{ what, state: "wrong", seen, remedy: "let a time service set both: chrony, systemd-timesyncd" }];
  } catch {
    // The registry of nano-cli, and an etcd with certificates, tell no time this way.
    return [];
  } finally {
    timer.cancel();
  }
}

function endpointsOf(endpoints: string): readonly string[] {
  const all = endpoints.replace(/^etcd:\/\//, "").split(",");
  return all.map((one) => (/^https?:\/\//.test(one) ? one : `http://${one}`)).filter((one) => URL.canParse(one));
}

async function lookAtServer({ id, addresses, state }: ServerInfo): Promise<Finding> {
  const what = `server ${id}`;
  const failures: string[] = [];
  for (const address of addresses) {
    const [, host = "", port] = /^\[?(.+?)\]?:(\d+)$/.exec(address) ?? [];
    const late = new AbortController();
    const timer = systemClock.after(timeoutMs, () => late.abort(new Error(`no answer within ${timeoutMs} ms`)));
    try {
      const events = { data: () => {}, drain: () => {}, closed: () => {} };
      const stream = await systemNet.connect({ host, port: Number(port) }, events, late.signal);
      stream.destroy();
      return { what, state: state === "ready" ? "well" : "warning", seen: `${state}, reached at ${address}`, ...remedyOf(state) };
    } catch (reason) {
      failures.push(`${address}: ${reason instanceof Error ? reason.message : reason}`);
    } finally {
      timer.cancel();
    }
  }
  if (addresses.length === 0) return { what, state: "warning", seen: "has no cluster port", remedy: "give it cluster.listen" };
  const remedy =
    "cluster.listen must be reachable from the other machines, and cluster.advertise say how: loopback is not; look at the firewall";
  return { what, state: "wrong", seen: failures.join("; "), remedy };
}

function remedyOf(state: ServerInfo["state"]): { readonly remedy?: string } {
  return state === "ready"
    ? {}
    : { remedy: state === "draining" ? "it is leaving: wait for it" : "it is starting: wait for it, or read its log" };
}
