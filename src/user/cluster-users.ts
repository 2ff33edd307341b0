import type { Message } from "@bufbuild/protobuf";
import type { Init, Push } from "../contract/index.ts";
import type { Link } from "../link/index.ts";
import { encodePush, type MustLive, mustBeUser, type Reach } from "../session/index.ts";
import type { TraceCarrier } from "../tracing/index.ts";
import { type Absent, type Act, kicking, type LocalSession, locating, pushing } from "./acts.ts";
import type { Locations } from "./locations.ts";
import type { Users } from "./users.ts";

/** What users are reached through. */
export interface UsersOptions {
  readonly self: { readonly id: string; readonly incarnation: bigint };
  /** The sessions that this server itself holds. */
  readonly here: (user: string) => Iterable<LocalSession>;
  /** Undefined: a user may be at any number of frontends, and all are asked. */
  readonly locations: Locations | undefined;
  /** The other frontends that are there. */
  readonly frontends: () => readonly { readonly id: string; readonly incarnation: bigint }[];
  /** Undefined: the cluster knows the server no more. Rejects where it is out of reach. */
  readonly linkTo: (incarnation: bigint) => Promise<Link> | undefined;
  /** The link that is open. */
  readonly linkOf: (incarnation: bigint) => Link | undefined;
  readonly now: () => number;
}

/** The users that are meant, as user code has them. */
export function createUsers(options: UsersOptions): (ids: readonly string[], mustLive: MustLive) => Users {
  const { self, locations } = options;
  // Whatever was sent later to the same user waits for what is on its way to be sent.
  const sending = new Map<string, Promise<unknown>>();

  function inTurn<T>(users: readonly string[], send: () => Promise<T>): Promise<T> {
    const before = users.flatMap((user) => sending.get(user) ?? []);
    const turn = before.length === 0 ? send() : Promise.all(before).then(send);
    const over = turn.then(
      () => {},
      () => {},
    );
    for (const user of users) sending.set(user, over);
    void over.then(() => {
      for (const user of users) if (sending.get(user) === over) sending.delete(user);
    });
    return turn;
  }

  /** The users of each other frontend; those that are at none are left out. */
  async function placesOf(users: readonly string[]): Promise<Map<bigint, string[]>> {
    const places = new Map<bigint, string[]>();
    if (!locations) {
      for (const { incarnation } of options.frontends()) places.set(incarnation, [...users]);
      return places;
    }
    for (const [user, incarnation] of await locations.find(users)) {
      if (incarnation === self.incarnation) locations.forget(user, incarnation);
      else add(places, incarnation, user);
    }
    return places;
  }

  /** Where all are known and linked, at once; else when they have been found. */
  function at(users: readonly string[]): ReadonlyMap<Link, readonly string[]> | undefined {
    const places = new Map<Link, string[]>();
    if (!locations) return undefined;
    for (const user of users) {
      const incarnation = locations.known(user);
      const link = incarnation === undefined ? undefined : options.linkOf(incarnation);
      if (!link || sending.has(user)) return undefined;
      add(places, link, user);
    }
    return places;
  }

  /** The link to a frontend; undefined where it is out of reach, or gone. */
  async function linkTo(incarnation: bigint): Promise<Link | undefined> {
    try {
      return await options.linkTo(incarnation);
    } catch {
      return undefined;
    }
  }

  /** Acts where the users are, and gives those that were nowhere. */
  async function elsewhere(users: readonly string[], act: Act, again: boolean): Promise<readonly string[]> {
    if (users.length === 0) return [];
    const answers: Promise<void>[] = [];
    const missed = new Set(users);
    const moved = new Set<string>();
    const answered = (incarnation: bigint, names: readonly string[], { away, unknown }: Absent): void => {
      const gone = new Set(away);
      const open = new Set(unknown);
      for (const user of names) {
        if (!gone.has(user) && !open.has(user)) missed.delete(user);
        else locations?.forget(user, incarnation);
        if (gone.has(user) && locations) moved.add(user);
      }
    };
    const send = (link: Link, names: readonly string[]): void => {
      answers.push(act.there(link, names).then((absent) => answered(link.peer.incarnation, names, absent)));
    };
    const known = at(users);
    if (known) for (const [link, names] of known) send(link, names);
    else {
      await inTurn(users, async () => {
        const places = [...(await placesOf(users))];
        const links = await Promise.all(places.map(([incarnation]) => linkTo(incarnation)));
        for (const [index, [incarnation, names]] of places.entries()) {
          const link = links[index];
          if (link) send(link, names);
          else answered(incarnation, names, { away: names, unknown: [] });
        }
      });
    }
    await Promise.all(answers);
    if (!again || moved.size === 0) return [...missed];
    // What was known was old: they may be at another by now.
    for (const user of moved) missed.delete(user);
    return [...missed, ...(await reach([...moved], act, false))];
  }

  async function reach(ids: readonly string[], act: Act, again = true): Promise<readonly string[]> {
    const away: string[] = [];
    const found = new Set<string>();
    for (const user of ids) {
      const sessions = [...options.here(user)];
      act.here(sessions);
      if (sessions.length > 0) found.add(user);
      if (sessions.length === 0 || !locations) away.push(user);
    }
    return (await elsewhere(away, act, again)).filter((user) => !found.has(user));
  }

  async function locate(ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const found = new Map<string, string>();
    await reach(ids, locating(options.now, found));
    for (const user of ids) for (const _ of options.here(user)) found.set(user, self.id);
    return found;
  }

  async function reaching<M extends Message>(
    ids: readonly string[],
    push: Push<M>,
    message: NoInfer<Init<M>>,
    from: TraceCarrier | undefined,
  ): Promise<Reach> {
    return { missed: await reach(ids, pushing(options.now, encodePush(push, message, from))) };
  }

  return (given, mustLive) => {
    for (const user of given) mustBeUser(user);
    const ids = [...new Set(given)];
    // What is wrong is thrown at once: a push need not be waited for.
    const send = <M extends Message>(push: Push<M>, message: NoInfer<Init<M>>): Promise<Reach> => {
      const from = mustLive(push.route);
      return reaching(ids, push, message, from);
    };
    return {
      push: send,
      deliver: send,
      async kick(kick) {
        mustLive();
        return { missed: await reach(ids, kicking(options.now, kick)) };
      },
      async locate() {
        mustLive();
        return locate(ids);
      },
    };
  };
}

function add<K>(places: Map<K, string[]>, place: K, user: string): void {
  const users = places.get(place);
  if (users) users.push(user);
  else places.set(place, [user]);
}
