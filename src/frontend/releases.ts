import { type CodeTable, createCodeTable, printedTable } from "./dictionary.ts";

/** What one release of an application's clients was generated from. `nano-cli release` writes it into a file that is checked in. */
export interface ClientRelease {
  /** As the application calls it: "1.4.0". */
  readonly name: string;
  /** By the full name of each service that its clients have. */
  readonly services: {
    readonly [service: string]: {
      /** The fingerprint that the generated client carries. */
      readonly fingerprint: string;
      /** The routes of its methods and pushes. */
      readonly routes: readonly string[];
    };
  };
}

/** What a server knows of the clients that were shipped. */
export interface ClientsOptions {
  /** The oldest first, as the file of `nano-cli release` has them. */
  readonly releases: readonly ClientRelease[];
  /** The name of a release: clients of those before it are refused with `must_update`. The default is none: all come in. */
  readonly minimum?: string;
  /** What refused clients are told, in words for a person. The default is "this version is not supported any more: please update". */
  readonly updateReason?: string;
}

/** What is known of one client by its fingerprint. */
export interface KnownClient {
  /** The fingerprint, or "unknown", or "none" where the client says none. */
  readonly fingerprint: string;
  /** The newest release that has it; empty where none does. */
  readonly release: string;
  /** Whether it must update. */
  readonly outdated: boolean;
  /** The codes that its generated code has for routes. */
  readonly table: CodeTable | undefined;
}

/** The clients that were shipped. */
export interface Releases {
  readonly updateReason: string;
  /** @param fingerprint Of a handshake: those of all its services, sorted, with commas between. */
  find(fingerprint: string | undefined): KnownClient;
}

interface Service {
  readonly routes: readonly string[];
  /** The newest release that has it. */
  readonly newest: number;
}

// Clients may combine services as they like; beyond so many combinations they are told the dictionary, as unknown ones are.
const mostCombinations = 256;
const mostServices = 64;
const unknown: KnownClient = { fingerprint: "unknown", release: "", outdated: false, table: undefined };
const none: KnownClient = { ...unknown, fingerprint: "none" };

/** Throws a TypeError on releases that contradict each other, or a minimum that is none of them. @param options Undefined: nothing is known. */
export function createReleases(options: ClientsOptions | undefined): Releases {
  const { releases = [], minimum, updateReason = "this version is not supported any more: please update" } = options ?? {};
  const services = readServices(releases);
  const least = minimum === undefined ? 0 : releases.findIndex(({ name }) => name === minimum);
  if (least < 0) throw new TypeError(`clients.minimum is "${minimum}", which is none of clients.releases`);
  const known = new Map<string, KnownClient>();

  function look(fingerprint: string): KnownClient {
    const parts = fingerprint.split(",", mostServices + 1);
    if (parts.length > mostServices) return unknown;
    const found = parts.map((part) => services.get(part));
    if (!found.every((service) => service !== undefined)) return unknown;
    const oldest = Math.min(...found.map(({ newest }) => newest));
    const client: KnownClient = {
      fingerprint,
      release: releases[oldest]?.name ?? "",
      outdated: oldest < least,
      table: createCodeTable([...new Set(found.flatMap(({ routes }) => routes))].sort(), printedTable),
    };
    // Whoever repeats a service, or sorts otherwise, is known, but is not what a client says: no codes.
    const asSaid = [...new Set(parts)].sort().join(",");
    if (asSaid === fingerprint && known.size < mostCombinations) known.set(fingerprint, client);
    else return { ...client, fingerprint: "unknown", table: undefined };
    return client;
  }

  return {
    updateReason,
    find(fingerprint) {
      if (fingerprint === undefined || fingerprint === "") return none;
      return known.get(fingerprint) ?? look(fingerprint);
    },
  };
}

function readServices(releases: readonly ClientRelease[]): ReadonlyMap<string, Service> {
  const services = new Map<string, Service>();
  const names = new Set<string>();
  for (const [at, release] of releases.entries()) {
    if (typeof release?.name !== "string" || typeof release.services !== "object" || release.services === null) {
      throw new TypeError(`clients.releases[${at}] is no release: give what nano-cli release has written`);
    }
    if (names.has(release.name)) throw new TypeError(`clients.releases has two that are named "${release.name}"`);
    names.add(release.name);
    for (const [name, { fingerprint, routes }] of Object.entries(release.services)) {
      if (!/^[0-9a-f]{16}$/.test(fingerprint) || !Array.isArray(routes)) {
        throw new TypeError(`clients.releases: ${name} of ${release.name} has no fingerprint, or no routes`);
      }
      const before = services.get(fingerprint);
      if (before && before.routes.join("\n") !== routes.join("\n")) {
        throw new TypeError(`clients.releases: two services have the fingerprint ${fingerprint}, and other routes`);
      }
      services.set(fingerprint, { routes, newest: at });
    }
  }
  return services;
}
