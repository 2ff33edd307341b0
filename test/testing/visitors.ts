import type { Client } from "nano-rpc/client";
import type { SeededTest } from "nano-rpc/testing";
import { type Random, sleep } from "../../src/clock/index.ts";
import { TellerClient } from "../schema/gen/seeds/v1/seeds_client.ts";

/** What visitors do, how often, until when. */
export interface VisitOptions {
  readonly everyMs: number;
  readonly isOver: () => boolean;
  /** Users share it: then they throw each other out. */
  readonly user: string;
  /** Whether it now and then asks to be thrown out. */
  readonly leaves: boolean;
  /** Every teller knows of the session. */
  readonly entered: (session: string) => void;
}

// How long one who was thrown out stays away.
const mostAwayMs = 3_000;

/** One who asks and tells without waiting for answers, comes back when it was thrown out, and resolves when it is over and all has settled. */
export async function visit({ cluster, random }: SeededTest, client: Client, name: string, options: VisitOptions): Promise<void> {
  const teller = client.service(TellerClient);
  const under = new Set<Promise<unknown>>();
  let count = 0;
  /** Until every teller knows, or the session is gone. */
  async function enter(): Promise<void> {
    while (client.state.name === "open") {
      const { session } = client.state;
      const outcome = await teller.enter({ user: options.user }).result();
      if (outcome.ok && outcome.value.everywhere) return options.entered(session);
      await sleep(cluster.clock, 100);
    }
  }
  client.onReset(enter);
  follow(enter());
  function follow(promise: Promise<unknown>): void {
    const one = promise.finally(() => under.delete(one));
    under.add(one);
  }
  while (!options.isOver()) {
    await sleep(cluster.clock, 1 + random.next() * 2 * options.everyMs);
    const id = `${name}/${++count}`;
    // Thrown out: by itself it does not come back.
    if (client.state.name === "closed") {
      await sleep(cluster.clock, random.next() * mostAwayMs);
      await client.connect().then(
        () => follow(enter()),
        () => {},
      );
    } else follow(act(teller, id, random, options.leaves));
  }
  await Promise.all(under);
  if (client.state.name === "closed") await client.connect().then(enter);
}

async function act(teller: TellerClient, id: string, random: Random, leaves: boolean): Promise<void> {
  const chance = random.next();
  if (chance < 0.35) await teller.pay({ id, amount: 1 + Math.floor(random.next() * 9), ms: chance < 0.05 ? 300 : 0 }).result();
  else if (chance < 0.55) await teller.look({ id }).result();
  else if (chance < 0.65) await teller.stay({ id }).result();
  else if (chance < 0.8) await teller.own({ id, account: `account-${Math.floor(random.next() * 4)}` }).result();
  else if (chance < 0.98 || !leaves) tell(teller, id);
  else await teller.leave({ id }).result();
}

function tell(teller: TellerClient, id: string): void {
  try {
    teller.tell({ id });
  } catch {
    // Thrown out meanwhile.
  }
}
