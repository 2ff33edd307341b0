import type { Interest as InterestFrame } from "../../gen/nano/cluster/v1/link_pb.ts";
import type { Link } from "../link/index.ts";
import { type GroupKey, groupKeyText } from "./group.ts";

/** Which frontends, by the links to them, have members of which groups. */
export interface Interest {
  heard(link: Link, frame: InterestFrame): void;
  /** The link is gone, and with it all that it announced. */
  forget(link: Link): void;
  linksOf(key: GroupKey): Iterable<Link>;
}

/** Nobody is interested yet. */
export function createInterest(): Interest {
  const links = new Map<string, Set<Link>>();
  // With the epoch in which each was announced last.
  const groups = new Map<Link, Map<string, bigint>>();

  function add(link: Link, text: string, epoch: bigint): void {
    links.set(text, (links.get(text) ?? new Set()).add(link));
    groups.set(link, (groups.get(link) ?? new Map<string, bigint>()).set(text, epoch));
  }

  function remove(link: Link, text: string): void {
    const interested = links.get(text);
    interested?.delete(link);
    if (interested?.size === 0) links.delete(text);
    groups.get(link)?.delete(text);
  }

  return {
    heard(link, { epoch, added, removed, snapshot, call }) {
      for (const key of added) add(link, groupKeyText(key), epoch);
      for (const key of removed) remove(link, groupKeyText(key));
      // Only now: whoever stays a member must be heard of all the time.
      if (snapshot) for (const [text, since] of groups.get(link) ?? []) if (since !== epoch) remove(link, text);
      if (call !== 0n) link.answer(call, { case: "body", value: new Uint8Array(0) });
    },
    forget(link) {
      for (const text of groups.get(link)?.keys() ?? []) remove(link, text);
      groups.delete(link);
    },
    linksOf: (key) => links.get(groupKeyText(key)) ?? [],
  };
}
