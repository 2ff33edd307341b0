import type { ServerInfo } from "../discovery/index.ts";
import { NanoError } from "../error/index.ts";
import type { ClusterCounters } from "../metrics/index.ts";
import type { Peer } from "./link.ts";

/** What a server says of itself. */
export type Claim = Pick<Peer, "id" | "incarnation" | "types" | "frontend">;

/** Tells which servers are what they say they are. */
export interface Roles {
  /** What discovery says. It is remembered: what an incarnation is does not change. */
  heard(servers: readonly ServerInfo[]): void;
  /**
   * Whether a server is what it says: "unknown" where nobody has said so yet. Throws NanoError `permission_denied` where it is not.
   *
   * @param certificate The URIs of the certificate that it has shown; undefined: none.
   */
  check(claim: Claim, certificate: readonly string[] | undefined): "known" | "unknown";
  /** Nobody has said so in time. */
  unknown(claim: Claim): NanoError;
}

/** What roles are told by. */
export interface RolesOptions {
  /** Whether strangers are kept out of the cluster, by tokens or certificates; where they are not, everybody is believed. */
  readonly shut: boolean;
  readonly counters: Pick<ClusterCounters, "linksRefused">;
}

type Known = Pick<ServerInfo, "id" | "types" | "frontend">;

// More servers than a cluster has, with those that were there before.
const mostKnown = 16_384;

/**
 * A certificate that has URIs of nano decides: "nano:frontend", "nano:type:room" for each type, and "nano:id:room-1", without which any id will do.
 * Where there is none, it is the record in discovery that does. A server that has both is no more than either says.
 */
export function createRoles({ shut, counters }: RolesOptions): Roles {
  const records = new Map<bigint, Known>();

  function refusal(why: "certificate" | "record", message: string): NanoError {
    counters.linksRefused[why]++;
    return new NanoError({ code: "permission_denied", message });
  }

  return {
    heard(servers) {
      for (const { incarnation, id, types, frontend } of servers) {
        // Those that are there stay longest.
        records.delete(incarnation);
        records.set(incarnation, { id, types, frontend });
      }
      for (const incarnation of records.keys()) {
        if (records.size <= mostKnown) return;
        records.delete(incarnation);
      }
    },
    check(claim, certificate) {
      const { id, incarnation } = claim;
      const named = certificate && readCertificate(certificate);
      const record = records.get(incarnation);
      // Also what its record says, which is what others go by: it may say less of itself, and be taken for that.
      const beyond = named && (exceeds(claim, named) ?? (record && exceeds(record, named)));
      if (beyond) throw refusal("certificate", `the certificate of ${id} does not say ${beyond}`);
      if (!shut) return "known";
      const wrong = record && exceeds(claim, { ...record, ids: [record.id] });
      if (wrong) throw refusal("record", `the record of ${record.id} does not say ${wrong}`);
      // To ask others needs no more than has been shown already.
      return named || record || !claim.frontend ? "known" : "unknown";
    },
    unknown: ({ id }) => refusal("record", `no record says that ${id} is a frontend`),
  };
}

interface Allowed {
  readonly frontend: boolean;
  readonly types: readonly string[];
  /** Empty: any. */
  readonly ids: readonly string[];
}

/** What a server says and may not; undefined where it may say all. */
function exceeds(claim: Known, { frontend, types, ids }: Allowed): string | undefined {
  if (claim.frontend && !frontend) return "that it is a frontend";
  const type = claim.types.find((one) => !types.includes(one));
  if (type !== undefined) return `that its type is ${type}`;
  return ids.length > 0 && !ids.includes(claim.id) ? `that its id is ${claim.id}` : undefined;
}

function readCertificate(uris: readonly string[]): Allowed | undefined {
  const ours = uris.filter((uri) => uri.startsWith("nano:"));
  if (ours.length === 0) return undefined;
  const after = (start: string): string[] => ours.filter((uri) => uri.startsWith(start)).map((uri) => uri.slice(start.length));
  return { frontend: ours.includes("nano:frontend"), types: after("nano:type:"), ids: after("nano:id:") };
}
