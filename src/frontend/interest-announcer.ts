import { create } from "@bufbuild/protobuf";
import { GroupNameSchema, InterestSchema } from "../../gen/nano/cluster/v1/link_pb.ts";
import { type Clock, sleep, within } from "../clock/index.ts";
import type { ServerInfo } from "../discovery/index.ts";
import type { GroupKey, Membership } from "../group/index.ts";
import { ask, type Link } from "../link/index.ts";

/** Tells the servers of a group's type that this frontend has members. */
export interface InterestAnnouncer {
  /** A group has got its first member here, or lost its last. */
  changed(key: GroupKey, has: boolean): void;
  /** Resolves when every server that should know of a group has said that it does, with the ids of those that have not within 2 s. */
  heard(key: GroupKey): Promise<readonly string[]>;
  /** A link opened: all that it should know, before anything else. */
  opened(link: Link): void;
  closed(link: Link): void;
}

/** What it stands on. */
export interface InterestAnnouncerOptions {
  readonly clock: Clock;
  readonly membership: () => Membership;
  /** The other servers that should know of a group of this type. */
  readonly servers: (type: string) => readonly ServerInfo[];
  readonly linkTo: (server: ServerInfo) => Promise<Link>;
}

// A group's name has at most 256 characters, each of at most three bytes.
const namesPerFrame = 256;
const echoMs = 2_000;
const againMs = 50;

/** Announces the groups of a membership. */
export function createInterestAnnouncer({ clock, membership, servers, linkTo }: InterestAnnouncerOptions): InterestAnnouncer {
  const links = new Set<Link>();
  let epoch = 0n;

  function concerns(link: Link, key: GroupKey): boolean {
    return key.type === "" || link.peer.types.includes(key.type);
  }

  /** Whether the server has answered behind all that it was told. */
  async function echoes(server: ServerInfo, untilMs: number): Promise<boolean> {
    while (clock.now() < untilMs) {
      try {
        const link = await linkTo(server);
        await ask(link, untilMs, (call) => link.send({ case: "interest", value: create(InterestSchema, { epoch, call }) }));
        return true;
      } catch {
        // The link broke, or is not there yet; what it is told first when it opens is everything.
        await sleep(clock, againMs);
      }
    }
    return false;
  }

  return {
    changed(key, has) {
      const names = [create(GroupNameSchema, { ...key })];
      const value = create(InterestSchema, { epoch, ...(has ? { added: names } : { removed: names }) });
      for (const link of links) if (concerns(link, key)) link.send({ case: "interest", value });
    },
    async heard(key) {
      const untilMs = clock.now() + echoMs;
      const silent = new Map(servers(key.type).map((server) => [server.incarnation, server.id]));
      const asked = servers(key.type).map(async (server) => {
        if (await echoes(server, untilMs)) silent.delete(server.incarnation);
      });
      await within<unknown, void>(clock, echoMs, Promise.all(asked), () => {});
      // Whoever is gone by now will not push.
      const there = new Set(servers(key.type).map(({ incarnation }) => incarnation));
      return [...silent].filter(([incarnation]) => there.has(incarnation)).map(([, id]) => id);
    },
    opened(link) {
      links.add(link);
      const names = [...membership().keys()]
        .filter((key) => concerns(link, key))
        .map((key) => create(GroupNameSchema, { ...key }));
      epoch++;
      // In pieces that fit a frame: the last replaces what was known before the first.
      for (let at = 0; at === 0 || at < names.length; at += namesPerFrame) {
        const snapshot = at + namesPerFrame >= names.length;
        const added = names.slice(at, at + namesPerFrame);
        link.send({ case: "interest", value: create(InterestSchema, { epoch, snapshot, added }) });
      }
    },
    closed: (link) => void links.delete(link),
  };
}
