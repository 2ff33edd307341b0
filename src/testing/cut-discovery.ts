import type { Discovery, Store } from "../discovery/index.ts";
import { NanoError } from "../error/index.ts";

/** Discovery whose store answers a server only while it is in reach; who is there is heard all the while. */
export function cutDiscovery(discovery: Discovery, inReach: () => boolean): Discovery {
  function call<A extends unknown[], T>(run: (...args: A) => Promise<T>): (...args: A) => Promise<T> {
    return async (...args) => {
      if (!inReach()) throw new NanoError({ code: "unavailable", message: "discovery is out of reach" });
      return run(...args);
    };
  }
  return {
    name: discovery.name,
    async join(...args) {
      const membership = await discovery.join(...args);
      const { write, read, list, count, lease, renew, revoke }: Store = membership.store;
      const store: Store = {
        write: call(write),
        read: call(read),
        list: call(list),
        count: call(count),
        lease: call(lease),
        renew: call(renew),
        revoke: call(revoke),
      };
      return { ...membership, store };
    },
  };
}
