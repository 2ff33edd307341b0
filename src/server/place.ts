import { type Clock, type Random, within } from "../clock/index.ts";
import type { Discovery, Membership, RecordSeal, ServerInfo, Store } from "../discovery/index.ts";
import { NanoError } from "../error/index.ts";
import type { Logger } from "../logger/index.ts";
import type { Distribution } from "../metrics/index.ts";
import type { Directory } from "../router/index.ts";
import { DiscoveryLag } from "./discovery-lag.ts";

/** A server's place in the cluster. */
export interface Place {
  /** Throws NanoError `unavailable` before `join`. */
  readonly membership: Membership;
  /** What the cluster keeps. Throws NanoError `unavailable` before `join`. */
  readonly store: () => Store;
  /** Whether discovery is out of reach: the cluster goes on with what it knows. */
  readonly away: boolean;
  /** How long it took, in seconds, until this server found in discovery what it had told it of itself. */
  readonly lagSeconds: Distribution;
  join(): Promise<void>;
  /** The record changed. Does nothing before `join`. */
  update(): Promise<void>;
  /** The schema of a hash, of whichever server. */
  schema(hash: string): Promise<Uint8Array | undefined>;
  leave(): Promise<void>;
}

/** What a place is found with. */
export interface PlaceOptions {
  readonly discovery: Discovery;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** The server's record, as it is now. */
  readonly info: () => ServerInfo;
  readonly schema: { readonly hash: string; readonly gzip: Uint8Array | undefined };
  readonly directory: Directory;
  readonly seal: RecordSeal;
  /** All servers that are there, before anything else hears of them. */
  readonly heard: (servers: readonly ServerInfo[]) => void;
  /** A server is not there any more. */
  readonly gone: (server: ServerInfo) => void;
  /** Another server took the id. */
  readonly fenced: () => void;
}

const schemaWaitMs = 3_000;

/** Not in any cluster yet. */
export function createPlace(options: PlaceOptions): Place {
  const { discovery, clock, random, log, info, schema, directory, seal } = options;
  let membership: Membership | undefined;
  let away = false;
  const lag = new DiscoveryLag(() => clock.now());

  async function join(): Promise<void> {
    let known: readonly ServerInfo[] = [];
    let schemas: Promise<void> = Promise.resolve();
    membership = await discovery.join(
      lag.told(info()),
      schema.gzip,
      {
        changed(servers) {
          options.heard(servers);
          const here = new Set(servers.map(({ incarnation }) => incarnation));
          for (const server of known) if (!here.has(server.incarnation)) options.gone(server);
          known = servers;
          lag.found(servers.find(({ incarnation }) => incarnation === info().incarnation));
          // Schemas can be asked for from then on, and below they are.
          if (membership) schemas = directory.update(servers);
        },
        fenced(by) {
          log.error({ by: by.toString(16) }, "another server took this id: stopping");
          options.fenced();
        },
        available(available) {
          away = !available;
          log.warn({ available }, available ? "discovery is back" : "discovery is out of reach");
        },
      },
      { clock, random, log, seal },
    );
    // Those that were there before can be called as soon as this server answers.
    const read = directory.update(known).then(() => schemas);
    await within(clock, schemaWaitMs, read, () => {});
  }

  const joined = (): Membership => {
    if (membership) return membership;
    throw new NanoError({ code: "unavailable", message: "this server has not started" });
  };

  return {
    get membership() {
      return joined();
    },
    store: () => joined().store,
    get away() {
      return away;
    },
    join,
    lagSeconds: lag.seconds,
    async update() {
      await membership?.update(lag.told(info()));
    },
    schema: async (hash) => (hash === schema.hash ? schema.gzip : membership?.schema(hash)),
    async leave() {
      await membership?.leave();
    },
  };
}
