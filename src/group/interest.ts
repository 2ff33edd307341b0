import { create } from "@bufbuild/protobuf";
import { GapSchema, GroupNameSchema, type Interest as InterestFrame } from "../../gen/nano/cluster/v1/link_pb.ts";
import type { Link } from "../link/index.ts";
import { type GroupKey, groupKeyText } from "./group.ts";

/** Which frontends, by the links to them, have members of which groups. */
export interface Interest {
  heard(link: Link, frame: InterestFrame): void;
  /** The link is gone, and with it all that it announced. */
  forget(link: Link): void;
  /** The server is gone. */
  gone(incarnation: bigint): void;
  linksOf(key: GroupKey): Iterable<Link>;
  /** A push to a group passes by the frontends that had members when their links were lost: they are told when they are back. Gives their ids. */
  passBy(key: GroupKey): readonly string[];
}

/** A frontend whose link was lost. */
interface Away {
  readonly id: string;
  readonly groups: ReadonlySet<string>;
  readonly passed: Map<string, GroupKey>;
}

// As of interest: names are long.
const namesPerFrame = 256;

/** Nobody is interested yet. */
export function createInterest(): Interest {
  const links = new Map<string, Set<Link>>();
  // With the epoch in which each was announced last.
  const groups = new Map<Link, Map<string, bigint>>();
  const away = new Map<bigint, Away>();

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

  /** What passed by a frontend that is back: the sessions concerned must not go on as if they had heard it. */
  function back(link: Link): void {
    const { incarnation } = link.peer;
    const passed = [...(away.get(incarnation)?.passed.values() ?? [])];
    away.delete(incarnation);
    for (let at = 0; at < passed.length; at += namesPerFrame) {
      const names = passed.slice(at, at + namesPerFrame).map((key) => create(GroupNameSchema, { ...key }));
      link.send({ case: "gap", value: create(GapSchema, { groups: names }) });
    }
  }

  return {
    heard(link, { epoch, added, removed, snapshot, call }) {
      for (const key of added) add(link, groupKeyText(key), epoch);
      for (const key of removed) remove(link, groupKeyText(key));
      if (snapshot) {
        // Only now: whoever stays a member must be heard of all the time.
        for (const [text, since] of groups.get(link) ?? []) if (since !== epoch) remove(link, text);
        back(link);
      }
      if (call !== 0n) link.answer(call, { case: "body", value: new Uint8Array(0) });
    },
    forget(link) {
      const { id, incarnation } = link.peer;
      const announced = groups.get(link);
      if (link.broken && announced) {
        const before = away.get(incarnation);
        const names = new Set([...(before?.groups ?? []), ...announced.keys()]);
        away.set(incarnation, { id, groups: names, passed: before?.passed ?? new Map() });
      }
      for (const text of announced?.keys() ?? []) remove(link, text);
      groups.delete(link);
    },
    gone: (incarnation) => void away.delete(incarnation),
    linksOf: (key) => links.get(groupKeyText(key)) ?? [],
    passBy(key) {
      if (away.size === 0) return [];
      const text = groupKeyText(key);
      const passed = [...away.values()].filter(({ groups: names }) => names.has(text));
      for (const one of passed) one.passed.set(text, key);
      return passed.map(({ id }) => id);
    },
  };
}
