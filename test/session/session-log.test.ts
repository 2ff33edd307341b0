import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LogBudget, type LogEntry, type LogLimits, SessionLog } from "../../src/session/index.ts";

// What the log counts for an entry beside its body.
const overhead = 64;

function entry(delivery: LogEntry["delivery"], size = 0, key = "", id = 0): LogEntry {
  return { kind: "push", id, route: "a.b", body: new Uint8Array(size), error: undefined, delivery, key };
}

function all(log: SessionLog): LogEntry[] {
  const taken: LogEntry[] = [];
  for (let one = log.take(); one; one = log.take()) taken.push(one);
  return taken;
}

/** The same in the simplest words. */
class Model {
  entries: LogEntry[] = [];
  dropped = 0;
  readonly #limits: LogLimits;

  constructor(limits: LogLimits) {
    this.#limits = limits;
  }

  get bytes(): number {
    return this.entries.reduce((sum, { body }) => sum + body.length + overhead, 0);
  }

  add(entry: LogEntry): boolean {
    if (entry.delivery === "latest") this.#drop(({ delivery, key }) => delivery === "latest" && key === entry.key);
    this.entries.push(entry);
    while (this.#over(0.5) && this.#drop(({ delivery }) => delivery === "droppable"));
    return !this.#over(1);
  }

  #drop(which: (entry: LogEntry) => boolean): boolean {
    const at = this.entries.findIndex(which);
    if (at < 0) return false;
    this.entries.splice(at, 1);
    this.dropped++;
    return true;
  }

  #over(part: number): boolean {
    return this.entries.length > this.#limits.messages * part || this.bytes > this.#limits.bytes * part;
  }
}

describe("SessionLog", () => {
  test("gives in order what was added, and then nothing", () => {
    const log = new SessionLog({ messages: 10, bytes: 10_000 });
    const entries = [entry("replay"), entry("droppable"), entry("latest"), entry("replay")];
    for (const one of entries) expect(log.add(one)).toBe(true);
    expect(log.length).toBe(4);
    expect(all(log)).toEqual(entries);
    expect([log.take(), log.length, log.bytes, log.dropped]).toEqual([undefined, 0, 0, 0]);
  });

  test("is full with one message over its bound", () => {
    const log = new SessionLog({ messages: 8, bytes: 1_000_000 });
    for (let at = 0; at < 8; at++) expect(log.add(entry("replay"))).toBe(true);
    expect(log.over).toBeUndefined();
    expect(log.add(entry("replay"))).toBe(false);
    expect([log.length, log.over]).toEqual([9, "messages"]);
  });

  test("is full with one byte over its bound", () => {
    const limits = { messages: 100, bytes: 2 * overhead + 1_000 };
    const log = new SessionLog(limits);
    expect(log.add(entry("replay", 400))).toBe(true);
    expect(log.add(entry("replay", 600))).toBe(true);
    expect([log.bytes, log.over]).toEqual([limits.bytes, undefined]);
    log.take();
    expect(log.add(entry("replay", 401))).toBe(false);
    expect(log.over).toBe("bytes");
  });

  test("of `latest` the newest of each key waits, at the end", () => {
    const log = new SessionLog({ messages: 10, bytes: 10_000 });
    for (const [at, key] of ["a", "b", "a", "c", "b", "a"].entries()) log.add(entry("latest", 0, key, at));
    expect(all(log).map(({ id }) => id)).toEqual([3, 4, 5]);
    expect(log.dropped).toBe(3);
  });

  test("what was taken is not replaced any more", () => {
    const log = new SessionLog({ messages: 10, bytes: 10_000 });
    log.add(entry("latest", 0, "a", 1));
    expect(log.take()?.id).toBe(1);
    log.add(entry("latest", 0, "a", 2));
    expect([log.dropped, log.take()?.id]).toEqual([0, 2]);
  });

  test("pushes of other kinds with the key of a `latest` are none of it", () => {
    const log = new SessionLog({ messages: 10, bytes: 10_000 });
    log.add(entry("latest", 0, "a", 1));
    log.add(entry("replay", 0, "a", 2));
    log.add(entry("latest", 0, "a", 3));
    expect(all(log).map(({ id }) => id)).toEqual([2, 3]);
  });

  test("above half of its bound the oldest droppable goes first, be it the new one", () => {
    const log = new SessionLog({ messages: 8, bytes: 1_000_000 });
    for (let at = 0; at < 4; at++) log.add(entry(at < 2 ? "droppable" : "replay", 0, "", at));
    expect(log.dropped).toBe(0);
    log.add(entry("replay", 0, "", 4));
    log.add(entry("replay", 0, "", 5));
    expect(log.dropped).toBe(2);
    expect(log.add(entry("droppable", 0, "", 6))).toBe(true);
    expect(all(log).map(({ id }) => id)).toEqual([2, 3, 4, 5]);
    expect(log.dropped).toBe(3);
  });

  test("clear() empties it; it goes on, and remembers what gave way", () => {
    const log = new SessionLog({ messages: 4, bytes: 1_000_000 });
    for (const key of ["a", "a", "b"]) log.add(entry("latest", 5, key));
    log.clear();
    expect([log.length, log.bytes, log.dropped, log.take()]).toEqual([0, 0, 1, undefined]);
    log.add(entry("latest", 0, "a", 7));
    expect([log.dropped, all(log).map(({ id }) => id)]).toEqual([1, [7]]);
  });

  test("is what the model is, whatever comes and goes", () => {
    const add = fc.record({
      delivery: fc.constantFrom("replay" as const, "latest" as const, "droppable" as const),
      size: fc.nat(200),
      key: fc.constantFrom("", "a", "b", "c"),
    });
    const step = fc.oneof(
      { weight: 6, arbitrary: add },
      { weight: 3, arbitrary: fc.constant("take" as const) },
      fc.constant("clear" as const),
    );
    fc.assert(
      fc.property(fc.nat(12), fc.nat(2_000), fc.array(step, { maxLength: 120 }), (messages, bytes, steps) => {
        const log = new SessionLog({ messages, bytes });
        const model = new Model({ messages, bytes });
        for (const [id, one] of steps.entries()) {
          if (one === "take") expect(log.take()).toBe(model.entries.shift());
          else if (one === "clear") {
            log.clear();
            model.entries = [];
          } else {
            const added = entry(one.delivery, one.size, one.key, id);
            expect(log.add(added)).toBe(model.add(added));
          }
          expect([log.length, log.bytes, log.dropped]).toEqual([model.entries.length, model.bytes, model.dropped]);
        }
        expect(all(log)).toEqual(model.entries);
      }),
      { numRuns: 1_000 },
    );
  });

  test("what was sent is kept until it is acknowledged, and goes again with what waits", () => {
    const log = new SessionLog({ messages: 100, bytes: 100_000 }, { keeps: true });
    for (let id = 1; id <= 6; id++) log.add(entry("replay", 10, "", id));
    for (let sent = 0; sent < 4; sent++) log.take();
    expect([log.length, log.bytes]).toEqual([2, 6 * (10 + overhead)]);
    expect([log.acknowledge(5), log.acknowledge(1), log.acknowledged]).toEqual([false, true, 1]);
    expect(log.bytes).toBe(5 * (10 + overhead));
    expect([0, 1, 4, 5].map((received) => log.reaches(received))).toEqual([false, true, true, false]);
    log.pause();
    expect(log.resume(2)).toBe(4);
    expect(all(log).map(({ id }) => id)).toEqual([3, 4, 5, 6]);
    expect([log.acknowledged, log.acknowledge(4), log.bytes]).toEqual([0, true, 0]);
  });

  test("of what goes again `latest` is the newest of each key, and `droppable` is gone", () => {
    const counts = { pushesCollapsed: 0, pushesDropped: 0, pushesReplayed: { replay: 0, latest: 0, droppable: 0 } };
    const budget = new LogBudget(1_000, counts);
    const log = new SessionLog({ messages: 100, bytes: 100_000 }, { keeps: true, budget });
    log.add(entry("latest", 0, "a", 1));
    log.add(entry("droppable", 0, "", 2));
    log.add(entry("latest", 0, "b", 3));
    for (let sent = 0; sent < 3; sent++) log.take();
    log.add(entry("latest", 0, "a", 4));
    log.add(entry("droppable", 0, "", 5));
    log.pause();
    log.add(entry("droppable", 0, "", 6));
    log.add(entry("replay", 0, "", 7));
    expect([log.length, budget.bytes]).toEqual([2, 4 * overhead]);
    log.resume(0);
    expect(all(log).map(({ id }) => id)).toEqual([3, 4, 7]);
    expect(counts).toEqual({
      pushesCollapsed: 1,
      pushesDropped: 2,
      pushesReplayed: { replay: 1, latest: 2, droppable: 0 },
    });
    log.clear();
    expect([budget.bytes, budget.over]).toEqual([0, false]);
  });

  test("what could not be sent is no packet", () => {
    const log = new SessionLog({ messages: 100, bytes: 100_000 }, { keeps: true });
    for (const id of [1, 2, 3]) {
      log.add(entry("replay", 0, "", id));
      log.take();
      if (id === 2) log.unsent();
    }
    expect([log.reaches(2), log.reaches(3), log.bytes]).toEqual([true, false, 2 * overhead]);
    log.resume(1);
    expect(all(log).map(({ id }) => id)).toEqual([3]);
  });

  test("what was sent gives way to what is sent, oldest first: a client that has not got it cannot come back", () => {
    const log = new SessionLog({ messages: 4, bytes: 100_000 }, { keeps: true });
    for (let id = 1; id <= 6; id++) {
      log.add(entry("replay", 0, "", id));
      log.take();
    }
    expect(log.over).toBe("messages");
    log.forgetSent();
    expect([log.over, log.reaches(1), log.reaches(2)]).toEqual([undefined, false, true]);
    expect(log.acknowledge(6)).toBe(true);
    expect(log.bytes).toBe(0);
  });

  test("every packet is there until it is acknowledged, whatever comes and goes", () => {
    const step = fc.oneof(
      { weight: 5, arbitrary: fc.constant("add" as const) },
      { weight: 4, arbitrary: fc.constant("take" as const) },
      fc.record({ acknowledge: fc.nat(100) }),
      fc.record({ resume: fc.nat(100) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 150 }), (steps) => {
        const log = new SessionLog({ messages: 1_000, bytes: 1_000_000 }, { keeps: true });
        let waiting: number[] = [];
        let sent: number[] = [];
        let first = 0;
        for (const [id, one] of steps.entries()) {
          if (one === "add") {
            log.add(entry("replay", 0, "", id));
            waiting.push(id);
          } else if (one === "take") {
            const next = waiting.shift();
            expect(log.take()?.id).toBe(next);
            if (next !== undefined) sent.push(next);
          } else if ("acknowledge" in one) {
            expect(log.acknowledge(one.acknowledge)).toBe(one.acknowledge <= sent.length);
            if (one.acknowledge <= sent.length) first = Math.max(first, one.acknowledge);
          } else {
            const can = one.resume >= first && one.resume <= sent.length;
            expect(log.reaches(one.resume)).toBe(can);
            if (!can) continue;
            waiting = [...sent.slice(one.resume), ...waiting];
            sent = [];
            first = 0;
            log.pause();
            expect(log.resume(one.resume)).toBe(waiting.length);
          }
          expect([log.length, log.bytes]).toEqual([waiting.length, (waiting.length + sent.length - first) * overhead]);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  test("thousands that come and go in turn keep their order", () => {
    const log = new SessionLog({ messages: 10_000, bytes: 10_000_000 });
    let [added, taken] = [0, 0];
    for (let round = 0; round < 2_000; round++) {
      for (let at = 0; at < 5; at++) log.add(entry("replay", 0, "", added++));
      for (let at = 0; at < 4; at++) expect(log.take()?.id).toBe(taken++);
    }
    for (const { id } of all(log)) expect(id).toBe(taken++);
    expect(taken).toBe(added);
  });

  test.each(["latest", "droppable"] as const)(
    "half a million %s pushes that nobody takes cost no more than a thousand",
    (delivery) => {
      const log = new SessionLog({ messages: 1_024, bytes: 1_048_576 });
      for (let at = 0; at < 500; at++) log.add(entry("replay", 0, "", at));
      for (let at = 0; at < 500_000; at++) log.add(entry(delivery, 0, `${at % 8}`, at));
      const ids = all(log).map(({ id }) => id);
      expect(ids.slice(0, 501)).toEqual([...new Array(500).keys(), delivery === "latest" ? 499_992 : 499_988]);
      expect(ids.at(-1)).toBe(499_999);
    },
  );
});
