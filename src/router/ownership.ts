import { type Clock, within } from "../clock/index.ts";
import { createKeyLease, type Store } from "../discovery/index.ts";
import { NanoError } from "../error/index.ts";
import type { Logger } from "../logger/index.ts";
import { WrongServer } from "./wrong-server.ts";

/** Why a key has no home here any more: the server drains, or its lease was lost and another may have claimed it. */
export type ReleaseReason = "drain" | "lost";

/** An owned key that is at home on this server. */
export interface Home {
  /** How many calls of it are under way. */
  readonly calls: number;
}

/** The owned keys of one server. Whoever is asked for one first claims it, and holds it until it is released. */
export interface Ownership {
  /**
   * A call of a key begins: at once where the key is at home here, later where it must be claimed. Throws or rejects with WrongServer where its
   * home is another server, `unavailable` where this one cannot tell, `resource_exhausted` where it has too many.
   */
  enter(type: string, key: string): Home | Promise<Home>;
  /** A call of the key is over. */
  left(home: Home): void;
  /** The keys of a type that are at home here. */
  keys(type: string): readonly string[];
  /** Gives a key up: whoever is asked next claims it. The hook is not called. Resolves when that is so, or the store could not be told. Never rejects. */
  release(type: string, key: string): Promise<void>;
  /** Claims nothing more: for when a drain begins. What is at home here is served on. */
  pause(): void;
  /**
   * The step of a drain: of each key waits for the calls that run, calls the hook, and gives the key up; whoever asks
   * for it meanwhile waits, and is sent on. At the time of the clock what is left is given up as it is. Never rejects.
   */
  releaseAll(untilMs: number): Promise<void>;
  /** The end: whatever is still claimed goes with the lease. */
  stop(): Promise<void>;
}

/** What ownership is made of. */
export interface OwnershipOptions {
  readonly store: () => Store;
  readonly clock: Clock;
  readonly log: Logger;
  readonly incarnation: bigint;
  readonly leaseMs: () => number;
  /** A key leaves, and not because it was released: what is kept for it must go. */
  readonly onRelease: (type: string, key: string, why: ReleaseReason) => void | Promise<void>;
  /** How many keys may be at home here. The default is 100,000. */
  readonly maxKeys?: number;
}

class OwnHome implements Home {
  readonly type: string;
  readonly key: string;
  readonly path: string;
  calls = 0;
  /** Set once it is being given up. */
  leaving: Promise<void> | undefined;
  idle: (() => void) | undefined;

  constructor(type: string, key: string, path: string) {
    this.type = type;
    this.key = key;
    this.path = path;
  }
}

const maxKeyLength = 512;
// A key may be given up, or lost, while somebody waits for it; whoever is that unlucky again and again hears of it.
const mostTries = 4;

/** Nothing is at home here yet. */
export function createOwnership(options: OwnershipOptions): Ownership {
  const { clock, log } = options;
  const maxKeys = options.maxKeys ?? 100_000;
  const homes = new Map<string, OwnHome>();
  const claiming = new Map<string, Promise<bigint | undefined>>();
  const lease = createKeyLease({ ...options, lost });
  let draining = false;

  function begin(home: OwnHome): Home {
    // By now another may claim it, and is to be asked.
    if (lease.state === "over") throw new WrongServer(0n);
    if (lease.state === "doubtful") throw unavailable("the server cannot tell whether it still holds the key: discovery is away");
    home.calls++;
    return home;
  }

  async function enterLater(type: string, key: string, path: string): Promise<Home> {
    if (key.length > maxKeyLength) {
      throw new NanoError({ code: "invalid_argument", message: `an owned key has at most ${maxKeyLength} characters` });
    }
    for (let tries = 0; tries < mostTries; tries++) {
      const home = homes.get(path);
      if (home?.leaving) await home.leaving;
      else if (home) return begin(home);
      else {
        const other = await (claiming.get(path) ?? claim(type, key, path));
        if (other !== undefined) throw new WrongServer(other);
      }
    }
    throw unavailable("the key comes and goes too often");
  }

  function claim(type: string, key: string, path: string): Promise<bigint | undefined> {
    if (draining) throw new WrongServer(0n);
    if (homes.size + claiming.size >= maxKeys) {
      throw new NanoError({ code: "resource_exhausted", message: `${maxKeys} keys have their home on this server` });
    }
    const claimed = lease
      .claim(path)
      .then((other) => {
        if (other === undefined) homes.set(path, new OwnHome(type, key, path));
        return other;
      })
      .finally(() => claiming.delete(path));
    claiming.set(path, claimed);
    return claimed;
  }

  function lost(): void {
    const gone = [...homes.values()];
    homes.clear();
    if (gone.length > 0) log.warn({ keys: gone.length }, "the lease of owned keys was lost: others may have claimed them");
    for (const home of gone) if (!home.leaving) void hook(home, "lost");
  }

  async function hook({ type, key }: OwnHome, why: ReleaseReason): Promise<void> {
    try {
      await options.onRelease(type, key, why);
    } catch (reason) {
      log.error({ err: reason, type, key }, "onRelease failed");
    }
  }

  async function giveUp(home: OwnHome): Promise<void> {
    try {
      await lease.release(home.path);
    } catch (reason) {
      // It names this server still: whoever is led here by it makes this one claim it anew, or find that it drains.
      log.warn({ err: reason, type: home.type, key: home.key }, "a key could not be released");
    }
    if (homes.get(home.path) === home) homes.delete(home.path);
  }

  async function drainHome(home: OwnHome, untilMs: number): Promise<void> {
    const finish = async (): Promise<void> => {
      if (home.calls > 0) await new Promise<void>((resolve) => (home.idle = resolve));
      await hook(home, "drain");
    };
    const late = (): void =>
      log.warn({ type: home.type, key: home.key, calls: home.calls }, "a key is released before it is idle");
    await within(clock, Math.max(0, untilMs - clock.now()), finish(), late);
    await giveUp(home);
  }

  return {
    enter(type, key) {
      const path = `${type}/${key}`;
      const home = homes.get(path);
      return home && !home.leaving ? begin(home) : enterLater(type, key, path);
    },
    left(home) {
      if (!(home instanceof OwnHome)) throw new TypeError("not a home of this server");
      home.calls--;
      if (home.calls === 0) home.idle?.();
    },
    keys: (type) => [...homes.values()].filter((home) => home.type === type && !home.leaving).map(({ key }) => key),
    async release(type, key) {
      const home = homes.get(`${type}/${key}`);
      if (!home) return;
      home.leaving ??= giveUp(home);
      await home.leaving;
    },
    pause() {
      draining = true;
    },
    async releaseAll(untilMs) {
      draining = true;
      await Promise.allSettled(claiming.values());
      for (const home of homes.values()) home.leaving ??= drainHome(home, untilMs);
      await Promise.all([...homes.values()].map(({ leaving }) => leaving));
    },
    stop: () => lease.stop(),
  };
}

function unavailable(message: string): NanoError {
  return new NanoError({ code: "unavailable", message });
}
