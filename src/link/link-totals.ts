import { createLinkCounters, type LinkCounters } from "./link.ts";

/** All links of a server together: as they are, and what they have seen, those that are closed included. */
export interface LinkTotals {
  readonly open: number;
  /** Those whose stream broke, and that wait for another. */
  readonly broken: number;
  /** Bytes that wait on them. */
  readonly queuedBytes: number;
  readonly counters: LinkCounters;
}

/** What is looked at of a link. */
export interface CountedLink {
  readonly broken: boolean;
  readonly queuedBytes: number;
  readonly counters: LinkCounters;
}

/** Adds links up. @param closed What those have seen that are closed. */
export function totalOf(links: Iterable<CountedLink>, closed: LinkCounters): LinkTotals {
  const counters = { ...closed };
  let [open, broken, queuedBytes] = [0, 0, 0];
  for (const link of links) {
    if (link.broken) broken++;
    else open++;
    queuedBytes += link.queuedBytes;
    addCounters(counters, link.counters);
  }
  return { open, broken, queuedBytes, counters };
}

/** Adds what one link has seen. */
export function addCounters(to: LinkCounters, from: LinkCounters): void {
  for (const name of names) to[name] += from[name];
}

// It has these properties, and no others.
const names = Object.keys(createLinkCounters()) as (keyof LinkCounters)[];
