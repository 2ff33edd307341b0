import type { SessionCore } from "../session/index.ts";
import { type GroupKey, groupKeyText } from "./group.ts";

/** Which sessions of this frontend are in which groups. A session that ends must be taken out by `leaveAll`. */
export interface Membership {
  /** True when the session was no member. */
  add(key: GroupKey, session: SessionCore): boolean;
  remove(key: GroupKey, session: SessionCore): boolean;
  leaveAll(session: SessionCore): void;
  has(key: GroupKey, session: SessionCore): boolean;
  count(key: GroupKey): number;
  /** The groups that a session is in. */
  groupsOf(session: SessionCore): readonly GroupKey[];
  members(key: GroupKey): Iterable<SessionCore>;
  /** How many groups have members. */
  readonly size: number;
  /** Every group that has members. */
  keys(): Iterable<GroupKey>;
}

interface LocalGroup {
  readonly key: GroupKey;
  readonly members: Set<SessionCore>;
}

/** @param interest Called when a group gets its first member here, and when it has lost its last. */
export function createMembership(interest: (key: GroupKey, has: boolean) => void): Membership {
  const groups = new Map<string, LocalGroup>();
  const ofSession = new Map<SessionCore, Set<LocalGroup>>();

  function leave(group: LocalGroup, session: SessionCore): boolean {
    if (!group.members.delete(session)) return false;
    const own = ofSession.get(session);
    own?.delete(group);
    if (own?.size === 0) ofSession.delete(session);
    if (group.members.size === 0) {
      groups.delete(groupKeyText(group.key));
      interest(group.key, false);
    }
    return true;
  }

  return {
    add(key, session) {
      const text = groupKeyText(key);
      let group = groups.get(text);
      if (group?.members.has(session)) return false;
      if (!group) {
        group = { key, members: new Set() };
        groups.set(text, group);
        interest(key, true);
      }
      group.members.add(session);
      const own = ofSession.get(session) ?? new Set();
      ofSession.set(session, own.add(group));
      return true;
    },
    remove(key, session) {
      const group = groups.get(groupKeyText(key));
      return group ? leave(group, session) : false;
    },
    leaveAll(session) {
      for (const group of ofSession.get(session) ?? []) leave(group, session);
    },
    has: (key, session) => groups.get(groupKeyText(key))?.members.has(session) ?? false,
    count: (key) => groups.get(groupKeyText(key))?.members.size ?? 0,
    groupsOf: (session) => [...(ofSession.get(session) ?? [])].map(({ key }) => key),
    members: (key) => groups.get(groupKeyText(key))?.members ?? [],
    get size() {
      return groups.size;
    },
    *keys() {
      for (const group of groups.values()) yield group.key;
    },
  };
}
