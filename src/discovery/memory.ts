import type { Discovery, DiscoveryEvents, DiscoveryHost, Membership, ServerInfo } from "./discovery.ts";
import { createMemoryStore } from "./memory-store.ts";
import { mustFit } from "./record.ts";

/** Servers of one process. */
export interface MemoryDiscovery extends Discovery {
  /** A server is gone as after kill -9: its record stays until its lease is over. For tests. */
  abandon(id: string): void;
}

interface Member {
  self: ServerInfo;
  readonly events: DiscoveryEvents;
  readonly host: DiscoveryHost;
  /** Its record is still there, but nobody is behind it. */
  abandoned: boolean;
}

/**
 * Discovery for servers of one process: give the same one to each.
 *
 * @param options.leaseMs How long the record of an abandoned server stays. The default is 10,000.
 */
export function memory(options: { readonly leaseMs?: number } = {}): MemoryDiscovery {
  const { leaseMs = 10_000 } = options;
  const members = new Map<string, Member>();
  const schemas = new Map<string, Uint8Array>();
  const store = createMemoryStore();

  function list(): ServerInfo[] {
    const servers = [...members.values()].map((member) => member.self);
    return servers.sort((one, other) => (one.id < other.id ? -1 : 1));
  }

  // Later, and to each on its own: what a listener does must not run inside another server's call.
  function tellAll(): void {
    for (const member of members.values()) {
      member.host.clock.soon(() => {
        if (members.get(member.self.id) === member && !member.abandoned) member.events.changed(list());
      });
    }
  }

  function remove(member: Member): void {
    if (members.get(member.self.id) !== member) return;
    members.delete(member.self.id);
    tellAll();
  }

  return {
    name: "memory",
    async join(self, schema, events, host): Promise<Membership> {
      mustFit(self);
      const before = members.get(self.id);
      const member: Member = { self, events, host, abandoned: false };
      members.set(self.id, member);
      if (schema && self.schema !== "") schemas.set(self.schema, schema);
      if (before && !before.abandoned) before.host.clock.soon(() => before.events.fenced(self.incarnation));
      events.changed(list());
      tellAll();
      return {
        store: store(() => host.clock.now()),
        leaseMs,
        async update(next) {
          mustFit(next);
          if (members.get(self.id) !== member) return;
          member.self = next;
          tellAll();
        },
        schema: async (hash) => schemas.get(hash),
        leave: async () => remove(member),
      };
    },
    abandon(id) {
      const member = members.get(id);
      if (!member) return;
      member.abandoned = true;
      // Whoever was killed has no clock any more.
      const watcher = [...members.values()].find((other) => !other.abandoned) ?? member;
      watcher.host.clock.after(leaseMs, () => remove(member));
    },
  };
}
