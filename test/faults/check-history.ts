import type { Asked, Handled, Heard, History, Released } from "./history.ts";

// Deadlines are 5 s; what takes three of them hangs.
const hangMs = 15_000;

/** What is wrong with a history, one line for each thing; none where every promise was kept. */
export function checkHistory(history: History): readonly string[] {
  return [
    ...answeredOnce(history.asked, history.handled),
    ...orderKept(history.asked, history.handled),
    ...oneHome(history.handled, history.released),
    ...notedOnce(history.asked, history.heard),
    ...ticksWhole(history.heard),
  ];
}

/** Every request ends; one that was answered was handled once, by who says so; one that failed at most once; nothing comes from nowhere. */
function* answeredOnce(asked: readonly Asked[], handled: readonly Handled[]): Iterable<string> {
  const byId = groupBy(handled, ({ id }) => id);
  const ids = new Set<string>();
  for (const { id, sentMs, endedMs, outcome, unsent, server } of asked) {
    if (ids.has(id)) yield `${id} was asked twice: the load is wrong`;
    ids.add(id);
    const times = byId.get(id) ?? [];
    if (endedMs === undefined || outcome === undefined) yield `${id} never ended`;
    else if (endedMs - sentMs > hangMs) yield `${id} took ${Math.round(endedMs - sentMs)} ms`;
    if (times.length > 1) yield `${id} (${outcome}) was handled by ${times.map((one) => one.server).join(" and ")}`;
    if (outcome === "ok" && times.length === 0) yield `${id} was answered, and nobody has handled it`;
    if (outcome === "ok" && times.length === 1 && times[0]?.server !== server) {
      yield `${id} was answered by ${server}, and handled by ${times[0]?.server}`;
    }
    if (unsent && times.length > 0) yield `${id} was never sent, and ${times[0]?.server} has handled it`;
  }
  for (const id of byId.keys()) if (!ids.has(id)) yield `${id} was handled, and nobody asked`;
}

/** On one server the messages of one session begin in the order in which they were sent; over all servers those do that were answered. */
function* orderKept(asked: readonly Asked[], handled: readonly Handled[]): Iterable<string> {
  const requests = new Map(asked.map((one) => [one.id, one]));
  const last = new Map<string, Asked>();
  for (const { id, server } of [...handled].sort(byTime)) {
    const request = requests.get(id);
    if (!request) continue;
    const session = `${request.client}#${request.session}`;
    const places = [`${session} at ${server}`, ...(request.outcome === "ok" ? [`${session} (answered)`] : [])];
    for (const place of places) {
      const before = last.get(place);
      if (before && before.number > request.number) yield `${place}: ${request.id} after ${before.id}`;
      else last.set(place, request);
    }
  }
}

/** Whoever has handled an owned key, and then another has, may not handle it again without having let it go. */
function* oneHome(handled: readonly Handled[], released: readonly Released[]): Iterable<string> {
  const events = [
    ...handled.filter(({ kind }) => kind === "owned").map((one) => ({ ...one, what: "handled" })),
    ...released.map((one) => ({ ...one, what: "released" })),
  ];
  for (const [key, all] of groupBy(events, (one) => one.key)) {
    // Those that believe the key is theirs, and whether anyone else has handled it since.
    const homes = new Map<string, boolean>();
    for (const { server, what, atMs } of all.sort(byTime)) {
      if (what === "released") {
        homes.delete(server);
        continue;
      }
      if (homes.get(server) === true)
        yield `key ${key}: ${server} has handled it at ${Math.round(atMs)}, when it was another's already`;
      for (const other of homes.keys()) if (other !== server) homes.set(other, true);
      homes.set(server, false);
    }
  }
}

/** The note of a request comes at most once, and before its answer; whoever has the answer has the note. */
function* notedOnce(asked: readonly Asked[], heard: readonly Heard[]): Iterable<string> {
  const notes = groupBy(
    heard.filter(({ stream }) => stream === "note"),
    ({ what }) => `${what}`,
  );
  for (const { id, outcome, endedMs = 0 } of asked) {
    const own = notes.get(id) ?? [];
    if (own.length > 1) yield `the note of ${id} came ${own.length} times`;
    if (outcome === "ok" && own.length === 0) yield `${id} was answered without its note`;
    if (outcome === "ok" && own.some(({ atMs }) => atMs > endedMs)) yield `the note of ${id} came after its answer`;
  }
}

/** Within one session the ticks of one server come one after the other, none twice and none left out. */
function* ticksWhole(heard: readonly Heard[]): Iterable<string> {
  const ticks = heard.filter(({ stream }) => stream !== "note");
  for (const [place, all] of groupBy(ticks, ({ client, session, stream }) => `${client}#${session} of ${stream}`)) {
    let last: number | undefined;
    for (const { what } of all) {
      const number = Number(what);
      if (last !== undefined && number !== last + 1) yield `${place}: tick ${number} after ${last}`;
      last = number;
    }
  }
}

function byTime(one: { readonly atMs: number }, other: { readonly atMs: number }): number {
  return one.atMs - other.atMs;
}

function groupBy<T>(all: readonly T[], keyOf: (one: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const one of all) {
    const key = keyOf(one);
    const group = groups.get(key);
    if (group) group.push(one);
    else groups.set(key, [one]);
  }
  return groups;
}
