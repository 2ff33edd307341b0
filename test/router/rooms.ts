import { implement, type Lifecycle, type Service } from "nano-rpc";
import { RoomAdminRemote, RoomHandler } from "../schema/gen/rooms/v1/rooms_nano.ts";

/** What a server of rooms has seen, for a test to look at. */
export interface Seen {
  /** How many have entered, by room. */
  readonly entered: Map<string, number>;
  readonly numbers: number[];
  /** As "lobby drain", in order. */
  readonly released: string[];
  /** How many calls run. */
  running: number;
}

/** The services of a server of rooms. `wait` gives a promise on the test's clock. */
export function rooms(
  wait: (ms: number) => Promise<void>,
  life: Lifecycle = {},
): { readonly services: readonly Service[]; readonly seen: Seen } {
  const seen: Seen = { entered: new Map(), numbers: [], released: [], running: 0 };
  let id = "";
  const room = implement(RoomHandler, {
    init(server) {
      ({ id } = server);
    },
    async onRelease(key, why) {
      seen.released.push(`${key} ${why}`);
      await life.onRelease?.(key, why);
      seen.entered.delete(key);
    },
    enter({ room: name }) {
      const before = seen.entered.get(name) ?? 0;
      seen.entered.set(name, before + 1);
      return { server: id, before };
    },
    async linger({ ms }) {
      seen.running++;
      await wait(ms);
      seen.running--;
      return { server: id };
    },
    count: ({ number }) => void seen.numbers.push(number),
    async close({ room: name }, { release }) {
      seen.entered.delete(name);
      await release(name);
      return { server: id };
    },
    visit: () => ({ server: id }),
  });
  const admin = implement(RoomAdminRemote, {
    stat: ({ room: name }) => ({ server: id, entered: seen.entered.get(name) ?? 0 }),
    call: () => ({ server: id }),
  });
  return { services: [room, admin], seen };
}
