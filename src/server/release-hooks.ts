import type { Lifecycle } from "../context/index.ts";
import type { ReleaseReason } from "../router/index.ts";

/** Tells the services of a type that one of its owned keys leaves. All hear of it, whatever becomes of one; then the first failure is thrown. */
export function releaseHooks(
  services: readonly { readonly type: string; readonly lifecycle: Lifecycle }[],
): (type: string, key: string, why: ReleaseReason) => Promise<void> {
  return async (type, key, why) => {
    // What implements several services hears of it once.
    const concerned = new Set(services.filter((service) => service.type === type).map(({ lifecycle }) => lifecycle));
    const told = await Promise.allSettled([...concerned].map(async (lifecycle) => lifecycle.onRelease?.(key, why)));
    for (const outcome of told) if (outcome.status === "rejected") throw outcome.reason;
  };
}
