import { type Clock, within } from "../clock/index.ts";
import type { DrainTime, Lifecycle, Module, ModuleKey, Server } from "../context/index.ts";
import { NanoError } from "../error/index.ts";
import type { Logger } from "../logger/index.ts";

/** Everything with a life on one server: modules first, then what implements services, in the order given; stopped in reverse. */
export interface Lifecycles {
  /** Calls every `init`. When one fails, what had started is shut down, in reverse, and the failure is thrown. */
  init(server: Server): Promise<void>;
  /** Calls every `afterInit`. A failure is thrown; the caller shuts down. */
  afterInit(server: Server): Promise<void>;
  /** Calls every `onDrain` of what had started, all at once, and gives each the time that is left. Failures are logged. */
  onDrain(server: Server, time: DrainTime): Promise<void>;
  /** Calls every `beforeShutdown` of what had started, in reverse. Failures are logged. */
  beforeShutdown(server: Server): Promise<void>;
  /** Calls every `shutdown` of what had started, in reverse. Failures are logged. */
  shutdown(server: Server): Promise<void>;
  /** What a module's `init` gave. Throws `not_found`. */
  module<T>(key: ModuleKey<T>): T;
}

interface Part {
  readonly name: string;
  readonly timeoutMs: number;
  readonly key: ModuleKey<unknown> | undefined;
  init(server: Server): unknown;
  afterInit(value: unknown, server: Server): unknown;
  onDrain(value: unknown, server: Server, time: DrainTime): unknown;
  beforeShutdown(value: unknown, server: Server): unknown;
  shutdown(value: unknown, server: Server): unknown;
}

const defaultTimeoutMs = 10_000;

/** Throws a TypeError where two modules have one key. @param services What implements the server's services, with a name for messages; an object that stands twice lives once. */
export function createLifecycles(options: {
  readonly modules: readonly Module[];
  readonly services: readonly { readonly name: string; readonly lifecycle: Lifecycle }[];
  readonly clock: Clock;
  readonly log: Logger;
}): Lifecycles {
  const { clock, log } = options;
  const keys = new Set<ModuleKey<unknown>>();
  for (const { key } of options.modules) {
    if (keys.has(key)) throw new TypeError(`two modules have the key "${key.name}": only the first would be found`);
    keys.add(key);
  }
  const unique = new Map(options.services.map(({ name, lifecycle }) => [lifecycle, name]));
  const parts = [...options.modules.map(modulePart), ...[...unique].map(([lifecycle, name]) => servicePart(name, lifecycle))];
  const values = new Map<Part, unknown>();

  async function bounded(part: Part, step: string, run: () => unknown, timeoutMs = part.timeoutMs): Promise<unknown> {
    const late = (): never => {
      throw new NanoError({ code: "deadline_exceeded", message: `${step} of ${part.name} took over ${timeoutMs} ms` });
    };
    return within(clock, timeoutMs, Promise.resolve(run()), late);
  }

  async function backwards(step: "beforeShutdown" | "shutdown", server: Server): Promise<void> {
    for (const [part, value] of [...values].reverse()) {
      try {
        await bounded(part, step, () => part[step](value, server));
      } catch (reason) {
        log.error({ err: reason, part: part.name }, `${step} failed`);
      }
    }
  }

  async function shutdown(server: Server): Promise<void> {
    await backwards("shutdown", server);
    values.clear();
  }

  return {
    async init(server) {
      for (const part of parts) {
        try {
          values.set(part, await bounded(part, "init", () => part.init(server)));
        } catch (reason) {
          log.error({ err: reason, part: part.name }, "init failed");
          await shutdown(server);
          throw reason;
        }
      }
    },
    async afterInit(server) {
      for (const [part, value] of values) await bounded(part, "afterInit", () => part.afterInit(value, server));
    },
    async onDrain(server, time) {
      const all = [...values].map(async ([part, value]) => {
        try {
          await bounded(part, "onDrain", () => part.onDrain(value, server, time), time.leftMs);
        } catch (reason) {
          log.error({ err: reason, part: part.name }, "onDrain failed");
        }
      });
      await Promise.all(all);
    },
    beforeShutdown: (server) => backwards("beforeShutdown", server),
    shutdown,
    module<T>(key: ModuleKey<T>): T {
      // Only what `init` gave under this key is found by it.
      for (const [part, value] of values) if (part.key === key) return value as T;
      throw new NanoError({ code: "not_found", message: `this server has no module "${key.name}"` });
    },
  };
}

function modulePart(module: Module): Part {
  return {
    name: `module ${module.key.name}`,
    timeoutMs: module.timeoutMs ?? defaultTimeoutMs,
    key: module.key,
    init: (server) => module.init(server),
    afterInit: (value, server) => module.afterInit?.(value, server),
    onDrain: (value, server, time) => module.onDrain?.(value, server, time),
    beforeShutdown: (value, server) => module.beforeShutdown?.(value, server),
    shutdown: (value, server) => module.shutdown?.(value, server),
  };
}

function servicePart(name: string, lifecycle: Lifecycle): Part {
  return {
    name,
    timeoutMs: defaultTimeoutMs,
    key: undefined,
    init: (server) => lifecycle.init?.(server),
    afterInit: (_value, server) => lifecycle.afterInit?.(server),
    onDrain: (_value, server, time) => lifecycle.onDrain?.(server, time),
    beforeShutdown: (_value, server) => lifecycle.beforeShutdown?.(server),
    shutdown: (_value, server) => lifecycle.shutdown?.(server),
  };
}
