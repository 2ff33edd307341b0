import { pause } from "../pause.ts";
import { nanoHearer } from "./nano-hearer.ts";
import { type Hearer, plainHearer } from "./plain-hearer.ts";
import { Tally } from "./tally.ts";

/** All who hear ticks, and what they have heard. */
export interface Crowd {
  readonly hearers: readonly Hearer[];
  readonly tallies: readonly Tally[];
}

/** What all of them have seen together. */
export interface CrowdResult {
  /** Pushes that were to arrive: all, at every client. */
  readonly expected: number;
  /** Of these. */
  readonly delivered: number;
  readonly duplicates: number;
  readonly outOfOrder: number;
  /** Clients without a connection in the end. */
  readonly neverReturned: number;
  /** Sessions that began anew. */
  readonly resets: number;
}

const comeAtOnce = 64;
const returnMs = 20_000;

/** So many clients of nano, or on plain WebSockets; each from an address of its own, as clients are. */
export async function gather(
  size: number,
  port: number,
  { plain, awayMs }: { readonly plain: boolean; readonly awayMs?: number },
): Promise<Crowd> {
  const tallies: Tally[] = [];
  const hearers: Hearer[] = [];
  let coming = 0;
  await Promise.all(
    Array.from({ length: comeAtOnce }, async () => {
      while (coming < size) {
        const at = coming++;
        const tally = new Tally();
        tallies.push(tally);
        const from = { port, localAddress: `127.1.${Math.floor(at / 250)}.${(at % 250) + 1}`, awayMs };
        hearers.push(await (plain ? plainHearer(from, tally) : nanoHearer(from, tally)));
      }
    }),
  );
  return { hearers, tallies };
}

/** Waits until all are back, has them hear one more, and by that everything before it. */
export async function settle(
  { hearers, tallies }: Crowd,
  ticks: number,
  tick: (number: number) => Promise<void>,
): Promise<CrowdResult> {
  for (const lastMs = performance.now() + returnMs; performance.now() < lastMs && !hearers.every(({ open }) => open); )
    await pause(100);
  await tick(ticks + 1);
  await pause(2_000);
  const sum = (of: (tally: Tally) => number): number => tallies.reduce((all, tally) => all + of(tally), 0);
  return {
    expected: (ticks + 1) * tallies.length,
    delivered: sum(({ delivered }) => delivered),
    duplicates: sum(({ duplicates }) => duplicates),
    outOfOrder: sum(({ outOfOrder }) => outOfOrder),
    neverReturned: hearers.filter(({ open }) => !open).length,
    resets: sum(({ resets }) => resets),
  };
}

/** Gives what lies at shares of the values, in order. */
export function quantiles(values: readonly number[]): (share: number) => number {
  const sorted = [...values].sort((one, other) => one - other);
  return (share) => sorted[Math.floor((sorted.length - 1) * share)] ?? 0;
}
