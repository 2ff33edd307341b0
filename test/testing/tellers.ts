import { type Clock, implement, type ServerSessionHooks, type Service, type Session, sessionHooks } from "nano-rpc";
import { type NumberedPush, numbered, type TestCluster } from "nano-rpc/testing";
import { sleep } from "../../src/clock/index.ts";
import { TellerHandler, TellerPush } from "../schema/gen/seeds/v1/seeds_nano.ts";
import {
  type MurmuredResponse,
  type ShownResponse,
  type TellerSession,
  TellerSessionSchema,
  type TickedResponse,
} from "../schema/gen/seeds/v1/seeds_pb.ts";

/** What was added to the sum of each session: surely, and perhaps. */
export interface Sums {
  readonly sure: Map<string, bigint>;
  readonly unsure: Map<string, bigint>;
  /** What the frontend had when the session ended. */
  readonly final: Map<string, bigint>;
}

export function noSums(): Sums {
  return { sure: new Map(), unsure: new Map(), final: new Map() };
}

/** The pushes that count themselves. @param promised Whether a session is to hear of every tick. */
export function numberedPushes(promised: (session: string) => boolean): readonly NumberedPush[] {
  const ticks = ({ teller, number }: TickedResponse | ShownResponse | MurmuredResponse, session: string) =>
    promised(session) ? { stream: teller, number } : undefined;
  return [
    numbered(TellerPush.paid, ({ teller, number }) => ({ stream: teller, number })),
    numbered(TellerPush.ticked, ticks),
    numbered(TellerPush.shown, ticks),
    numbered(TellerPush.murmured, ticks),
  ];
}

/** What a teller ticks by, in milliseconds. */
export const tickMs = 500;

/** A teller that adds, ticks, and throws people out when they ask for it. @param name One start of one server. */
function teller(name: string, clock: Clock, sums: Sums): Service {
  // By session, also where a link was away for so long that the session begins here anew.
  const counts = new Map<string, number>();
  async function add(session: Session<TellerSession>, amount: bigint): Promise<void> {
    const { sum } = session.data;
    const book = (which: "sure" | "unsure"): void =>
      void sums[which].set(session.id, (sums[which].get(session.id) ?? 0n) + amount);
    try {
      // Nobody else handles a message of this session: only a lost answer can make it another's.
      if (await session.patchIf({ sum }, { sum: sum + amount })) book("sure");
    } catch {
      book("unsure");
    }
  }
  function paid(session: Session<TellerSession>, id: string): void {
    const number = (counts.get(session.id) ?? 0) + 1;
    // Throws where the call is over by now: then nothing was pushed.
    session.push(TellerPush.paid, { id, number, teller: name });
    counts.set(session.id, number);
  }
  let ticks: { cancel(): void } | undefined;
  return implement(TellerHandler, {
    async enter({ user }, { session, group }) {
      if (user !== "") await session.bind(user);
      const { missing } = await group("clock").add(session, { everywhere: true });
      await session.patch({ teller: name });
      return { everywhere: missing.length === 0 };
    },
    async pay({ id, amount, ms }, { session }) {
      if (ms > 0) await sleep(clock, ms);
      await add(session, BigInt(amount));
      paid(session, id);
      return { teller: name };
    },
    look: () => ({ teller: name }),
    stay({ id }, { session }) {
      paid(session, id);
      return { teller: name };
    },
    own: () => ({ teller: name }),
    tell({ id }, { session }) {
      paid(session, id);
    },
    leave({ id }, { session }) {
      for (let number = 1; number <= lastWords; number++) session.push(TellerPush.paid, { id, number, teller: `leave ${id}` });
      session.kick({ code: "left", reason: id });
      return {};
    },
    init(server) {
      const hear = server.group("clock", { type: "teller" });
      let number = 0;
      ticks = clock.every(tickMs, () => {
        number++;
        hear.push(TellerPush.ticked, { teller: name, number });
        hear.push(TellerPush.shown, { teller: name, number });
        hear.push(TellerPush.murmured, { teller: name, number });
      });
    },
    shutdown: () => ticks?.cancel(),
  });
}

/** How many numbers one who leaves still gets, before the kick. */
export const lastWords = 5;

/** After how long every session of those who have vanished is over. */
export const goneMs = 16_000;

/** Two gates and two tellers. */
export async function startBank(cluster: TestCluster, sums: Sums): Promise<void> {
  // Who notices late that a socket is gone sees little.
  const limits = { heartbeatMs: 1_000, deadMs: 3_000, resumeMs: goneMs / 2 };
  for (const id of ["gate-1", "gate-2"])
    await cluster.start({ id, types: ["gate"], frontend: true, limits, sessions: [finalSums(sums)] });
  for (const id of ["teller-1", "teller-2"]) {
    let life = 0;
    await cluster.start((clock) => ({ id, services: [teller(`${id}.${++life}`, clock, sums)] }));
  }
}

/** Writes down the sum that a frontend has when a session ends. */
function finalSums({ final }: Sums): ServerSessionHooks {
  return sessionHooks(TellerSessionSchema, { onClose: ({ id, data }) => void final.set(id, data.sum) });
}

/** Whose sum is not what was added. */
export function* wrongSums({ sure, unsure, final }: Sums): Iterable<string> {
  for (const [session, sum] of final) {
    const [least, perhaps] = [sure.get(session) ?? 0n, unsure.get(session) ?? 0n];
    if (sum < least || sum > least + perhaps)
      yield `the sum of ${session} is ${sum}: ${least} were added, and perhaps ${perhaps}`;
  }
}
