import { sleep, systemClock, systemRandom, toHex, within } from "../clock/index.ts";
import type { Discovery, ServerInfo } from "../discovery/index.ts";
import { memberSteps } from "./check-members.ts";
import { storeSteps } from "./check-store.ts";
import { CheckedMember } from "./checked-member.ts";

/** A way to be found, and what is needed to look at it. */
export interface DiscoveryCheck {
  /**
   * What a server of this id would be given, to come into the cluster of this name; called once for each. Servers of one name meet, those of two do
   * not. Names are random: in each cluster nobody was before.
   */
  readonly create: (cluster: string, id: string) => Discovery;
  /** The server of this id is gone as after kill -9. The default is to leave out what becomes of such. */
  readonly kill?: (cluster: string, id: string) => void;
  /** How long each wait may take, in milliseconds. The default is 10000. */
  readonly stepMs?: number;
}

/** What a step has at hand: a cluster of its own. */
export interface DiscoveryBench {
  /** A server comes in, here or into another cluster. */
  enter(self: ServerInfo, more?: { readonly schema?: Uint8Array; readonly elsewhere?: boolean }): Promise<CheckedMember>;
  /** Waits until it is so; `missing` says what is wrong if it never is. */
  until(look: () => boolean | Promise<boolean>, missing: string, moreMs?: number): Promise<void>;
  /** Waits for what must settle in time. */
  inTime<T>(promise: Promise<T>, missing: string): Promise<T>;
  readonly kill: ((id: string) => void) | undefined;
}

/** What is looked at in a cluster of its own. */
export type DiscoveryStep = (bench: DiscoveryBench) => Promise<void>;

const pollMs = 5;

/**
 * Checks that a way to be found keeps what its interface promises, as servers rely on it: who is there, records as they were written and changed,
 * schemas, an id that two want, leaving; and its store, with conditions and leases. For tests of a `Discovery` of one's own, in any test runner;
 * needs real time.
 *
 * @throws {Error} What is wrong, with the name of the discovery and the step.
 */
export async function checkDiscovery(check: DiscoveryCheck): Promise<void> {
  const { create, kill, stepMs = 10_000 } = check;
  const steps: Readonly<Record<string, DiscoveryStep>> = { ...memberSteps, ...storeSteps };
  // Timers of the clock hold no process open: one that does nothing else would end in the midst of it.
  const awake = systemClock.after(Number.POSITIVE_INFINITY, () => {}, { keepAlive: true });

  async function run(name: string, step: DiscoveryStep): Promise<void> {
    const cluster = `check-${toHex(systemRandom.bytes(8))}`;
    const members: CheckedMember[] = [];
    let called = "";
    const bench: DiscoveryBench = {
      async enter(self, { schema, elsewhere } = {}) {
        const discovery = create(elsewhere ? `${cluster}-2` : cluster, self.id);
        called = ` "${discovery.name}"`;
        const member = new CheckedMember(self);
        members.push(member);
        await bench.inTime(member.join(discovery, schema), `join of ${self.id} did not settle`);
        // Five may want one id at once.
        if (!member.find(self.id) && member.fences.length === 0)
          throw new Error(`join resolved before "changed" told ${self.id} of itself`);
        return member;
      },
      async until(look, missing, moreMs = 0) {
        const untilMs = systemClock.now() + stepMs + moreMs;
        while (!(await look())) {
          if (systemClock.now() >= untilMs) throw new Error(missing);
          await sleep(systemClock, pollMs);
        }
      },
      inTime: (promise, missing) =>
        within(systemClock, stepMs, promise, () => {
          throw new Error(missing);
        }),
      kill: kill && ((id) => kill(cluster, id)),
    };
    try {
      await step(bench);
      for (const { availability } of members) {
        if (availability.some((available, at) => available !== (at % 2 === 1)))
          throw new Error(`"available" told ${availability.join(", ")}: it begins with false, and changes`);
      }
    } catch (reason) {
      const what = reason instanceof Error ? reason.message : String(reason);
      throw new Error(`the discovery${called}, ${name}: ${what}`, { cause: reason });
    } finally {
      // Those that were killed cannot say goodbye in time.
      await Promise.all(members.map((member) => within(systemClock, stepMs, member.leave(), () => {}).catch(() => {})));
    }
  }

  try {
    for (const [name, step] of Object.entries(steps)) await run(name, step);
  } finally {
    awake.cancel();
  }
}
