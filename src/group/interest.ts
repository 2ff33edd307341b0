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
  const groups = new Map<Link, Set<string>>();

  function add(link: Link, text: string): void {
    links.set(text, (links.get(text) ?? new Set()).add(link));
    groups.set(link, (groups.get(link) ?? new Set()).add(text));
  }

  function remove(link: Link, text: string): void {
    const interested = links.get(text);
    interested?.delete(link);
    if (interested?.size === 0) links.delete(text);
    groups.get(link)?.delete(text);
  }

  function forget(link: Link): void {
    for (const text of groups.get(link) ?? []) remove(link, text);
    groups.delete(link);
  }

  return {
    heard(link, frame) {
      if (frame.snapshot) forget(link);
      for (const key of frame.added) add(link, groupKeyText(key));
      for (const key of frame.removed) remove(link, groupKeyText(key));
    },
    forget,
    linksOf: (key) => links.get(groupKeyText(key)) ?? [],
  };
}
