import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type Discovery, etcd, memory, type StoreWrite } from "../../src/discovery/index.ts";
import { openSockets, until } from "../net/recorder.ts";
import { type Etcd, startEtcd } from "../support/etcd.ts";
import { info, join, type Member } from "./member.ts";

let registry: Etcd;

beforeAll(async () => {
  registry = await startEtcd();
});

afterAll(() => registry?.stop());

const cases: readonly { readonly name: string; create(): Discovery }[] = [
  { name: "memory", create: () => memory() },
  { name: "etcd", create: () => etcd({ endpoints: [registry.endpoint], prefix: `/${randomUUID()}` }) },
];

describe.each(cases)("the store of discovery: $name", ({ create }) => {
  const members: Member[] = [];

  afterEach(async () => {
    await Promise.all(members.splice(0).map(({ membership }) => membership.leave()));
    await until(openSockets).toBe(0);
  });

  test("it is a map, whatever is done to it", async () => {
    const key = fc.constantFrom("a", "b", "c");
    const value = fc.option(fc.constantFrom("1", "2"), { nil: undefined });
    const write = fc.record({ key, value, where: fc.option(fc.record({ key, value }), { nil: undefined }) });
    const batches = fc.array(fc.uniqueArray(write, { selector: (one) => one.key, maxLength: 3 }), { maxLength: 8 });
    const member = await join(create(), info("server"));
    members.push(member);
    const { store } = member.membership;
    await fc.assert(
      fc.asyncProperty(batches, async (steps) => {
        const model = new Map<string, string>();
        await store.write(["a", "b", "c"].map((gone) => ({ key: gone, value: undefined })));
        for (const step of steps) {
          const before = new Map(model);
          const expected = step.map((one: StoreWrite) => {
            const done = one.where === undefined || before.get(one.where.key) === one.where.value;
            if (done && one.value === undefined) model.delete(one.key);
            else if (done) model.set(one.key, one.value ?? "");
            return { done, before: before.get(one.key) };
          });
          expect(await store.write(step)).toEqual(expected);
          expect(await store.read(["a", "b", "c"])).toEqual(["a", "b", "c"].map((one) => model.get(one)));
        }
      }),
      { numRuns: 30 },
    );
  });
});
