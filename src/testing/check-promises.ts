import {
  placeOf,
  type Seen,
  type SeenAsked,
  type SeenHeard,
  type SeenRun,
  type SeenSettled,
  type SeenState,
  type SeenTold,
} from "./seen.ts";

/** How a check differs from the default. */
export interface CheckOptions {
  /** Whether all is over: what was asked has settled, clients are closed, and a while has passed. The default is true. */
  readonly over?: boolean;
}

// Deadlines are looked at ten times and more a second; what takes longer than its deadline and this hangs.
const hangMs = 1_000;

/**
 * Whether nano kept its promises, as docs/testing.md lists them: one line for each thing that is wrong, none where all were kept.
 * Requests are told apart by route and message: a check of order or of single runs means more where each message is another.
 */
export function checkPromises(seen: readonly Seen[], { over = true }: CheckOptions = {}): readonly string[] {
  const of = <W extends Seen["what"]>(what: W): (Seen & { readonly what: W })[] =>
    seen.filter((one): one is Seen & { readonly what: W } => one.what === what);
  const [asked, told, settled, ran] = [of("asked"), of("told"), of("settled"), of("ran")];
  return [
    ...settledOnce(asked, settled, over),
    ...ranOnce(asked, told, ran, settled),
    ...inOrder(seen),
    ...legalStates(of("state")),
    ...heardWhileOpen(seen),
    ...streamsWhole(of("heard")),
    ...sessionsWhole(seen, over),
  ];
}

/** Every request settles once, and in time. */
function* settledOnce(asked: readonly SeenAsked[], settled: readonly SeenSettled[], over: boolean) {
  const ends = groupBy(settled, ({ call }) => `${call}`);
  for (const { call, client, route, atMs, timeoutMs } of asked) {
    const own = ends.get(`${call}`) ?? [];
    const name = `${client} #${call} (${route})`;
    const [end] = own;
    if (own.length > 1) yield `${name} settled ${own.length} times`;
    if (!end && over) yield `${name} never settled`;
    if (end && end.atMs - atMs > timeoutMs + hangMs) yield `${name} took ${Math.round(end.atMs - atMs)} ms, and had ${timeoutMs}`;
  }
}

/** A message is handled at most as often as it was sent, if it is not idempotent; one that was answered was handled; nothing is handled that nobody sent. */
function* ranOnce(
  asked: readonly SeenAsked[],
  told: readonly SeenTold[],
  ran: readonly SeenRun[],
  settled: readonly SeenSettled[],
) {
  const outcomes = new Map(settled.map((one) => [one.call, one]));
  const runs = groupBy(ran, messageOf);
  const sent = groupBy<SeenAsked | SeenTold>([...asked, ...told], messageOf);
  for (const [message, calls] of sent) {
    const own = runs.get(message) ?? [];
    const names = calls.map(({ client, call }) => `${client} #${call}`).join(", ");
    const where = own.map(placeOf).join(" and ");
    const answered = calls.filter(({ call }) => outcomes.get(call)?.outcome === "ok").length;
    const mayHaveRun = calls.filter(({ call }) => outcomes.get(call)?.sent ?? true).length;
    if (own.length < answered) yield `${names}: ${message} was answered, and nobody has handled it`;
    if (own.length > 0 && mayHaveRun === 0) yield `${names}: ${message} was never sent, and ${where} has handled it`;
    else if (own.length > calls.length && !own[0]?.idempotent) yield `${names}: ${message} was handled by ${where}`;
  }
  for (const [message, own] of runs)
    if (!sent.has(message)) yield `${message} was handled by ${own.map(placeOf).join(" and ")}, and nobody sent it`;
}

/**
 * On one server the messages of one session begin in the order in which they were sent. What waited for a new session comes when its reset handlers are
 * through, after what was sent since: among itself it is in order, too.
 */
function* inOrder(seen: readonly Seen[]) {
  const sent = groupBy(
    seen.filter((one) => one.what === "asked" || one.what === "told"),
    messageOf,
  );
  const sentIn = sendingSessions(seen);
  const last = new Map<string, { readonly call: number; readonly message: string }>();
  const before = new Set<string>();
  for (const run of seen) {
    if (run.what !== "ran") continue;
    const message = messageOf(run);
    const [one, another] = sent.get(message) ?? [];
    // Of messages that are alike nobody knows which is which; one that is sent again, in whatever session, comes when it comes.
    if (!one || another || !run.serial || before.has(message)) continue;
    before.add(message);
    const place = `${run.session} at ${placeOf(run)}`;
    const { session, waited } = sentIn.get(one.call) ?? { session: "", waited: false };
    if (session !== run.session) continue;
    const line = `${place} ${waited}`;
    const previous = last.get(line);
    if (previous && previous.call > one.call)
      yield `${place}: #${one.call} ${message} after #${previous.call} ${previous.message}`;
    else last.set(line, { call: one.call, message });
  }
}

/** The session in which each call was sent, and whether it had waited for a new one. */
function sendingSessions(seen: readonly Seen[]): Map<number, { readonly session: string; readonly waited: boolean }> {
  const sessions = new Map<number, { readonly session: string; readonly waited: boolean }>();
  const open = new Map<string, string>();
  const waiting = new Map<string, number[]>();
  for (const one of seen) {
    if (one.what === "asked" || one.what === "told") {
      const session = open.get(one.client);
      if (session !== undefined) sessions.set(one.call, { session, waited: false });
      else waiting.set(one.client, [...(waiting.get(one.client) ?? []), one.call]);
    } else if (one.what === "state" && one.session !== undefined) {
      const sent = { session: one.session, waited: one.via !== "resume" && one.via !== "moved" };
      for (const call of waiting.get(one.client) ?? []) sessions.set(call, sent);
      waiting.delete(one.client);
      open.set(one.client, one.session);
    } else if (one.what === "state") open.delete(one.client);
  }
  return sessions;
}

const next: Readonly<Record<SeenState["state"], readonly SeenState["state"][]>> = {
  idle: ["connecting", "closed"],
  connecting: ["open", "waiting", "closed"],
  open: ["waiting", "closed"],
  waiting: ["connecting", "closed"],
  closed: ["connecting"],
};

/** Clients go from state to state as they may, and a session is the one that they say it is. */
function* legalStates(states: readonly SeenState[]) {
  for (const [client, all] of groupBy(states, (one) => one.client)) {
    let session: string | undefined;
    let last: SeenState["state"] = "idle";
    for (const { before, state, via, session: own } of all) {
      if (before !== last || !next[before].includes(state)) yield `${client} went from ${last} (it says ${before}) to ${state}`;
      last = state;
      if (state === "closed") session = undefined;
      if (state !== "open") continue;
      const same = via === "resume" || via === "moved";
      if (via === "first" && session !== undefined) yield `${client} is open as if for the first time, and was before`;
      if (via !== "first" && session === undefined) yield `${client} is open by ${via}, and never was before`;
      if (same && own !== session) yield `${client} is open by ${via}, with another session`;
      if (!same && own === session) yield `${client} is open by ${via}, with the session that it had`;
      session = own;
    }
  }
}

/** Nothing is heard before a session is open, or after it is over: a kick is the last word. */
function* heardWhileOpen(seen: readonly Seen[]) {
  const open = new Set<string>();
  for (const one of seen) {
    if (one.what === "state" && one.state === "open") open.add(one.client);
    else if (one.what === "state") open.delete(one.client);
    else if (one.what === "heard" && !open.has(one.client))
      yield `${one.client} heard ${one.route} ${one.text} without a session`;
  }
}

/** Within a session the pushes of a stream come in order, and none twice; of those that must not be lost none is left out. */
function* streamsWhole(heard: readonly SeenHeard[]) {
  const last = new Map<string, number>();
  for (const { client, session, route, place } of heard) {
    if (!place) continue;
    const { stream, number, delivery } = place;
    const name = `${client} (${session}) of ${route} ${stream}`;
    const before = last.get(name);
    last.set(name, number);
    if (before === undefined) continue;
    if (number <= before) yield `${name}: ${number} after ${before}`;
    else if (delivery === "replay" && number !== before + 1) yield `${name}: ${number} after ${before}, and none between`;
  }
}

/** A server hears of a session's begin, then of what becomes of it, then once of its end; then no handler of it begins. */
function* sessionsWhole(seen: readonly Seen[], over: boolean) {
  const events = seen.filter((one) => one.what === "ran" || one.what === "session");
  const crashed = new Set(seen.filter((one) => one.what === "crashed").map(placeOf));
  for (const [name, all] of groupBy(events, (one) => `${one.session} at ${placeOf(one)}`)) {
    let state: "none" | "open" | "paused" | "closed" = "none";
    for (const one of all) {
      const event = one.what === "ran" ? "ran" : one.event;
      if (event === "opened") {
        if (state !== "none") yield `${name}: opened twice`;
        state = "open";
      } else if (state === "none" || state === "closed") {
        yield `${name}: ${event} when it was ${state === "none" ? "not open yet" : "closed"}`;
      } else if (event === "paused" || event === "resumed") {
        if ((event === "paused") !== (state === "open")) yield `${name}: ${event} when it was ${state}`;
        state = event === "paused" ? "paused" : "open";
      } else if (event === "closed") state = "closed";
    }
    const [first] = all;
    if (over && first && state !== "closed" && !crashed.has(placeOf(first))) yield `${name}: never closed`;
  }
}

function messageOf({ route, text }: { readonly route: string; readonly text: string }): string {
  return `${route} ${text}`;
}

function groupBy<T>(all: readonly T[], keyOf: (one: T) => string): Map<string, T[]> {
  return Map.groupBy(all, keyOf);
}
