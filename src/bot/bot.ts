import type { Message } from "@bufbuild/protobuf";
import { type Client, type Listen, next, type Transport } from "../client/index.ts";
import type { Clock, Random } from "../clock/index.ts";
import { asCall, type Call, type CallOptions, type ClientService } from "../contract/index.ts";
import type { Tapped } from "../dial/index.ts";
import { NanoError } from "../error/index.ts";
import type { Alarm } from "./alarm.ts";
import type { Ledger } from "./ledger.ts";
import { ended, type Meetings } from "./meetings.ts";
import { createPauses } from "./pause.ts";

/** How often a bot does something again. */
export type Repetition = ({ readonly times: number } | { readonly forMs: number }) & {
  /**
   * A turn is due each so many milliseconds. One that comes late, because the one before took longer, follows at once, and its first
   * call is measured from when it was due. The default is one after the other.
   */
  readonly everyMs?: number;
  /** The first turn is due by chance within the first `everyMs`, so that users who begin together do not all come at once. The default is at once. */
  readonly spread?: boolean;
};

/** How pushes are told apart, and timed. */
export interface FollowOptions<M extends Message> {
  /** What makes a push the one that it is: one whose key has come before is a duplicate. The default tells none apart. */
  readonly key?: (message: M) => string | number | bigint;
  /** When it was sent, on the wall clock of this machine, in milliseconds since 1970. The default is that nobody knows. */
  readonly sentAtMs?: (message: M) => number;
}

/** One user of a load test: a client, and what people do besides calling. Its requests are measured by route. */
export interface Bot extends Client {
  /** Counts from 0 over the whole run. */
  readonly index: number;
  /** Aborts when the user has to go. What the bot waits for then rejects with `canceled`, which is no failure. */
  readonly signal: AbortSignal;
  /** Waits, as people do: so long, or by chance between the two. */
  think(minMs: number, maxMs?: number): Promise<void>;
  /** Does it again until the times or the time are over, or the user has to go. */
  repeat(options: Repetition, action: (turn: number) => Promise<void>): Promise<void>;
  /** Waits until so many bots are at this place; then it is empty again. */
  meet(place: string, count: number): Promise<void>;
  /** Waits for a push, and measures how long it took. One that does not come counts as lost, and rejects with `deadline_exceeded`. */
  expect<M extends Message>(
    listen: Listen<M>,
    options: { readonly where?: (message: M) => boolean; readonly withinMs: number },
  ): Promise<M>;
  /**
   * Counts each push that comes from now on, until what it gives is called: how long it took, where that can be told, and whether it had come before.
   * Of each bot and route, the last 10,000 keys are known.
   */
  follow<M extends Message>(listen: Listen<M>, options?: FollowOptions<M>): () => void;
  /** So many more pushes are to come of what has been done, to whichever bots follow. Those that do not come are not delivered. */
  due<M extends Message>(listen: Listen<M>, count: number): void;
  /** Notes whether something holds. What does not fails the run, unless `thresholds.checks` says otherwise. Gives `holds`. */
  check(what: string, holds: boolean): boolean;
  /** Cuts the socket, as a bad network does: the client comes back by itself, after `connect` at the earliest. */
  drop(): void;
  /** The next connection goes by this transport: to another server. What is open stays. */
  redirect(transport: Transport): void;
  /**
   * Reads nothing more from its socket, as a phone in a tunnel does, until what it gives is called.
   *
   * @throws TypeError Over a transport that cannot be kept from reading, as the platform's WebSocket; nano-bot's own can.
   */
  stall(): () => void;
  /** One of them, by chance. */
  pick<T>(from: readonly [T, ...T[]]): T;
}

/** What a bot is made of. */
export interface BotParts {
  readonly client: Client;
  readonly socket: Tapped;
  readonly index: number;
  readonly signal: AbortSignal;
  readonly ledger: Ledger;
  readonly meetings: Meetings;
  readonly clock: Clock;
  readonly alarm: Alarm;
  readonly random: Random;
}

const mostKeys = 10_000;

type Request = (init: never, options?: CallOptions) => Call<Message>;

export function createBot(parts: BotParts): Bot {
  const { client, socket, index, signal, ledger, meetings, clock, alarm, random } = parts;
  const pauses = createPauses(alarm, signal);
  const routes = new Map<unknown, string>();
  const services = new Map<unknown, unknown>();
  const routeOf = (listen: unknown): string => routes.get(listen) ?? "(other)";
  /** When the turn was due whose first call is still to come. */
  let dueMs: number | undefined;

  function measured(route: string, request: Request): Request {
    return (init, options) => {
      if (signal.aborted) {
        const refused = asCall<Message>(Promise.reject(ended()));
        refused.catch(() => {});
        return refused;
      }
      const fromMs = dueMs ?? clock.now();
      dueMs = undefined;
      const call = request(init, options);
      call.then(
        () => ledger.answered(route, clock.now() - fromMs),
        (reason: unknown) => ledger.failed(route, NanoError.from(reason).code),
      );
      return call;
    };
  }

  function service<C>(definition: ClientService<C>): C {
    const known = services.get(definition);
    if (known) return known as C;
    const plain = client.service(definition) as Record<string, unknown>;
    const made = { ...plain };
    for (const [name, method] of Object.entries(definition.methods)) {
      if (method.kind === "push") routes.set(plain[`on${name.charAt(0).toUpperCase()}${name.slice(1)}`], method.route);
      if (method.kind === "request") made[name] = measured(method.route, plain[name] as Request);
    }
    services.set(definition, made);
    // It has the members of the plain one.
    return made as C;
  }

  return {
    get state() {
      return client.state;
    },
    ...{ connect: client.connect, close: client.close, onReset: client.onReset, onState: client.onState },
    ...{ onFailed: client.onFailed, onGone: client.onGone, index, signal, service },
    think: (minMs, maxMs = minMs) => pauses.until(clock.now() + minMs + random.next() * (maxMs - minMs)),
    async repeat(options, action) {
      const { everyMs, spread = false } = options;
      const beganMs = clock.now();
      const firstMs = beganMs + (spread && everyMs !== undefined ? random.next() * everyMs : 0);
      for (let turn = 0; !signal.aborted; turn++) {
        const turnMs = everyMs === undefined ? clock.now() : firstMs + turn * everyMs;
        if ("times" in options ? turn >= options.times : turnMs - beganMs >= options.forMs) break;
        if (everyMs !== undefined) {
          if (turnMs > clock.now()) await pauses.until(turnMs);
          dueMs = turnMs;
        }
        await action(turn);
      }
      dueMs = undefined;
    },
    meet: (place, count) => meetings.meet(place, count, signal),
    async expect(listen, { where, withinMs }) {
      const route = routeOf(listen);
      const fromMs = clock.now();
      try {
        const message = await next(listen, { ...(where ? { where } : {}), timeoutMs: withinMs, signal, clock });
        ledger.due(route, 1);
        ledger.came(route, clock.now() - fromMs);
        return message;
      } catch (reason) {
        if (!signal.aborted) ledger.due(route, 1);
        throw reason;
      }
    },
    follow(listen, { key, sentAtMs } = {}) {
      const route = routeOf(listen);
      const seen = new Set<unknown>();
      return listen(
        (message) => {
          const known = key?.(message);
          if (known !== undefined && seen.has(known)) return ledger.cameTwice(route);
          if (known !== undefined) seen.add(known);
          if (seen.size > mostKeys) seen.delete(seen.values().next().value);
          ledger.came(route, sentAtMs ? Math.max(0, clock.wallNow() - sentAtMs(message)) : undefined);
        },
        { signal },
      );
    },
    due: (listen, count) => ledger.due(routeOf(listen), count),
    check(what, holds) {
      ledger.checked(what, holds);
      return holds;
    },
    drop: () => socket.drop(),
    redirect: (transport) => socket.redirect(transport),
    stall: () => socket.stall(),
    pick: (from) => from[Math.floor(random.next() * from.length)] ?? from[0],
  };
}
