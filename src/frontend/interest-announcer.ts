import { create } from "@bufbuild/protobuf";
import { GroupNameSchema, InterestSchema } from "../../gen/nano/cluster/v1/link_pb.ts";
import type { GroupKey, Membership } from "../group/index.ts";
import type { Link } from "../link/index.ts";

/** Tells the servers of a group's type that this frontend has members. */
export interface InterestAnnouncer {
  /** A group has got its first member here, or lost its last. */
  changed(key: GroupKey, has: boolean): void;
  /** A link opened: all that it should know, before anything else. */
  opened(link: Link): void;
  closed(link: Link): void;
  /** The types of groups that have members here: their servers must be linked. */
  readonly types: ReadonlySet<string>;
}

// A group's name has at most 256 characters, each of at most three bytes.
const namesPerFrame = 256;

/** Announces the groups of a membership. */
export function createInterestAnnouncer(membership: () => Membership): InterestAnnouncer {
  const links = new Set<Link>();
  let epoch = 0n;

  function concerns(link: Link, key: GroupKey): boolean {
    return key.type === "" || link.peer.types.includes(key.type);
  }

  return {
    changed(key, has) {
      const names = [create(GroupNameSchema, { ...key })];
      const value = create(InterestSchema, { epoch, ...(has ? { added: names } : { removed: names }) });
      for (const link of links) if (concerns(link, key)) link.send({ case: "interest", value });
    },
    opened(link) {
      links.add(link);
      const names = [...membership().keys()]
        .filter((key) => concerns(link, key))
        .map((key) => create(GroupNameSchema, { ...key }));
      epoch++;
      // In pieces that fit a frame: the first replaces what was known, the others add to it.
      for (let at = 0; at === 0 || at < names.length; at += namesPerFrame) {
        const added = names.slice(at, at + namesPerFrame);
        link.send({ case: "interest", value: create(InterestSchema, { epoch, snapshot: at === 0, added }) });
      }
    },
    closed: (link) => void links.delete(link),
    get types() {
      return new Set([...membership().keys()].map((key) => key.type));
    },
  };
}
