import type { JsonValue } from "@bufbuild/protobuf";
import { systemClock } from "../../clock/index.ts";
import { CommandError } from "../command.ts";
import type { Talk } from "./talk.ts";
import { at } from "./words.ts";

/** How a client came back. */
export interface Return {
  readonly afterMs: number;
  /** As "resume". */
  readonly via: string;
}

/** What is wrong with numbers that should come one by one. */
export interface Gaps {
  readonly missing: number;
  readonly doubled: number;
}

const backMs = 30_000;
const pushMs = 5_000;

/** Cuts the socket, and waits until the client is back. Rejects with a CommandError where it does not come back. */
export async function comeBack({ client, drop }: Talk): Promise<Return> {
  const beganMs = systemClock.now();
  const via = await new Promise<string>((resolve, reject) => {
    const over = (): void => {
      timer.cancel();
      off();
    };
    const timer = systemClock.after(backMs, () => {
      over();
      reject(new CommandError(`not back within ${backMs} ms`));
    });
    const off = client.onState((state) => {
      if (state.name !== "open" && state.name !== "closed") return;
      over();
      if (state.name === "open") resolve(state.via);
      else reject(new CommandError(`closed: ${state.reason.message}`));
    });
    drop();
  });
  return { afterMs: Math.round(systemClock.now() - beganMs), via };
}

/**
 * The same, with a push whose `field` counts up by one: from the last push before the cut to the first new one after it. In a new session there is
 * nothing to count. Rejects with a CommandError where no such push comes, too.
 */
export async function comeBackCounting(
  talk: Talk,
  route: string,
  field: string,
): Promise<Return & { readonly gaps: Gaps | undefined }> {
  const numbers: number[] = [];
  let heard: (() => void) | undefined;
  let failed: CommandError | undefined;
  const off = talk.on(route, (data) => {
    const number = numberAt(data, field);
    if (number === undefined) failed = new CommandError(`${route} has no whole number in ${field}: ${JSON.stringify(data)}`);
    else numbers.push(number);
    heard?.();
  });

  /** Waits for a number above one. */
  function above(floor: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = systemClock.after(pushMs, () => reject(new CommandError(`no push of ${route} within ${pushMs} ms`)));
      heard = () => {
        const there = (numbers.at(-1) ?? Number.NEGATIVE_INFINITY) > floor;
        if (!there && !failed) return;
        timer.cancel();
        if (failed) reject(failed);
        else resolve();
      };
      heard();
    });
  }

  try {
    await above(Number.NEGATIVE_INFINITY);
    // Numbers from here on; those before the first are of no concern.
    numbers.splice(0, numbers.length - 1);
    const before = numbers[0] ?? 0;
    const back = await comeBack(talk);
    if (back.via !== "resume" && back.via !== "moved") return { ...back, gaps: undefined };
    await above(before);
    return { ...back, gaps: gapsOf(numbers) };
  } finally {
    off();
  }
}

function gapsOf(numbers: readonly number[]): Gaps {
  const different = new Set(numbers);
  const [least, most] = [Math.min(...different), Math.max(...different)];
  return { missing: most - least + 1 - different.size, doubled: numbers.length - different.size };
}

function numberAt(data: JsonValue, field: string): number | undefined {
  const value = at(new Map([["push", data]]), `push.${field}`);
  const number = typeof value === "string" && value !== "" ? Number(value) : value;
  return Number.isSafeInteger(number) ? (number as number) : undefined;
}
