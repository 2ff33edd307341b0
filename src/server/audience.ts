import type { Frontend } from "../frontend/index.ts";
import { createGroups, type Interest } from "../group/index.ts";
import type { Directory } from "../router/index.ts";
import { createLocations, createUserGroups, createUsers } from "../user/index.ts";
import type { Base } from "./base.ts";
import type { ClusterCoreOptions } from "./cluster-core.ts";
import type { ClusterLinks } from "./cluster-links.ts";
import type { Place } from "./place.ts";

/** Whom a server's code pushes to beside single sessions: groups of sessions, users, groups of users. */
export type Audience = Pick<ClusterCoreOptions, "groups" | "users" | "userGroups">;

/** What they are reached through. */
export interface AudienceOptions {
  readonly base: Base;
  /** Whether a user has one session at most. */
  readonly single: boolean;
  /** Counts the pushes to groups that this server makes. */
  readonly pushed: { number: bigint };
  readonly interest: Interest;
  readonly frontend: Frontend | undefined;
  readonly directory: Directory;
  readonly links: ClusterLinks;
  readonly place: Place;
}

/** Nobody is there yet. */
export function createAudience(options: AudienceOptions): Audience {
  const { base, pushed, interest, frontend, directory, links, place } = options;
  const { id, incarnation, types, clock, log } = base;
  const now = (): number => clock.now();

  const users = createUsers({
    self: { id, incarnation },
    here: (user) => frontend?.users.of(user) ?? [],
    locations: options.single ? createLocations(clock, place.store) : undefined,
    frontends: () => directory.servers.filter((server) => server.frontend && server.incarnation !== incarnation),
    linkTo(to) {
      const server = directory.byIncarnation(to);
      return server && links.linkTo(server);
    },
    linkOf: (to) => links.hub?.find(to),
    now,
  });
  return {
    groups: createGroups({
      ...{ self: id, incarnation, pushed, types, interest, now },
      membership: frontend?.membership,
      lost: (link, error) => log.warn({ err: error, frontend: link.peer.id }, "a group push did not leave"),
    }),
    users,
    userGroups: createUserGroups({ store: place.store, random: base.random, users }),
  };
}
