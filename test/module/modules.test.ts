import { createJsonLogger, createServer, type DrainTime, type Module, moduleKey, type Server, silentLogger } from "nano-rpc";
import { afterEach, describe, expect, test } from "vitest";

type Step = "init" | "afterInit" | "onDrain" | "beforeShutdown" | "shutdown";

let server: Server | undefined;

afterEach(() => server?.stop({ graceMs: 0 }));

/** A module that tells what happens to it, and may get stuck in a step. */
function told(name: string, heard: string[], stuck?: Step): Module<{ readonly name: string }> {
  const step = (of: Step): Promise<void> => {
    heard.push(`${name} ${of}`);
    return stuck === of ? new Promise(() => {}) : Promise.resolve();
  };
  return {
    key: moduleKey<{ readonly name: string }>(name),
    timeoutMs: 20,
    async init() {
      await step("init");
      return { name };
    },
    afterInit: ({ name: given }) => (given === name ? step("afterInit") : undefined),
    onDrain: () => step("onDrain"),
    beforeShutdown: () => step("beforeShutdown"),
    shutdown: () => step("shutdown"),
  };
}

describe("modules", () => {
  test("begin in the order in which they are given, drain together, and end in reverse", async () => {
    const heard: string[] = [];
    server = createServer({ modules: ["one", "two", "three"].map((name) => told(name, heard)), log: silentLogger });
    await server.start();
    await server.stop();
    expect(heard).toEqual([
      ...["one init", "two init", "three init"],
      ...["one afterInit", "two afterInit", "three afterInit"],
      ...["one onDrain", "two onDrain", "three onDrain"],
      ...["three beforeShutdown", "two beforeShutdown", "one beforeShutdown"],
      ...["three shutdown", "two shutdown", "one shutdown"],
    ]);
  });

  test("are found by their keys alone, from the first step of the next on, and two have not one key", async () => {
    const [one, two, like] = [told("one", []), told("two", []), told("one", [])];
    const found: string[] = [];
    const looks: Module<void> = {
      key: moduleKey("looks"),
      init(of) {
        found.push(of.module(one.key).name);
        expect(() => of.module(two.key)).toThrow('no module "two"');
      },
    };
    server = createServer({ modules: [one, looks, two], log: silentLogger });
    await server.start();
    expect([...found, server.module(two.key).name]).toEqual(["one", "two"]);
    // A key is a thing, not a word.
    expect(() => server?.module(like.key)).toThrow('no module "one"');
    expect(() => createServer({ modules: [one, { ...two, key: one.key }] })).toThrow('two modules have the key "one"');
  });

  test.each(["init", "afterInit"] as const)(
    "that get stuck in %s end the start in their time, and what had begun is shut down",
    async (step) => {
      const heard: string[] = [];
      server = createServer({ modules: [told("one", heard), told("stuck", heard, step)], log: silentLogger });
      await expect(server.start()).rejects.toMatchObject({
        code: "deadline_exceeded",
        message: `${step} of module stuck took over 20 ms`,
      });
      expect(heard.filter((line) => line.endsWith(" shutdown"))).toEqual(
        step === "init" ? ["one shutdown"] : ["stuck shutdown", "one shutdown"],
      );
    },
  );

  test.each(["beforeShutdown", "shutdown"] as const)(
    "that get stuck in %s do not keep the others: the log says so",
    async (step) => {
      const heard: string[] = [];
      const lines: string[] = [];
      const log = createJsonLogger({ sink: { write: (line) => void lines.push(line) }, now: () => 0 });
      server = createServer({ modules: [told("one", heard), told("stuck", heard, step)], log });
      await server.start();
      await server.stop();
      expect(heard.slice(-4)).toEqual(["stuck beforeShutdown", "one beforeShutdown", "stuck shutdown", "one shutdown"]);
      const failed = lines.filter((line) => line.includes(`${step} failed`));
      expect(failed).toHaveLength(1);
      expect(failed[0]).toContain(`${step} of module stuck took over 20 ms`);
    },
  );

  test("take part in draining: they hear how long it may take, and are told to leave off when it is over", async () => {
    const heard: DrainTime[] = [];
    let over = (): void => {};
    const cut = new Promise<void>((resolve) => {
      over = resolve;
    });
    const saving: Module<void> = {
      key: moduleKey("saving"),
      init: () => {},
      onDrain(_value, of, time) {
        heard.push(time);
        expect(of.readiness).toMatchObject({ state: "draining", ready: false });
        time.signal.addEventListener("abort", over);
        // On a busy machine it may be over before it has begun.
        if (time.signal.aborted) over();
        return new Promise(() => {});
      },
    };
    server = createServer({ modules: [saving], log: silentLogger });
    await server.start();
    await server.stop({ graceMs: 50 });
    await cut;
    expect(heard).toHaveLength(1);
    expect(heard[0]?.leftMs).toBeLessThanOrEqual(50);
  });
});
