import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Mailbox } from "../../src/session/index.ts";
import { addWork } from "./add-work.ts";

describe("Mailbox", () => {
  test("does the first at once, the next when it is done", () => {
    const mailbox = new Mailbox();
    const order: string[] = [];
    let done = (): void => {};
    addWork(mailbox, (first) => {
      order.push("first");
      done = first;
    });
    addWork(mailbox, () => order.push("second"));
    expect([order, mailbox.busy, mailbox.length]).toEqual([["first"], true, 2]);
    done();
    expect([order, mailbox.busy, mailbox.length]).toEqual([["first", "second"], true, 1]);
  });

  test("a work that says so twice does not let two others begin", () => {
    const mailbox = new Mailbox();
    const begun: number[] = [];
    const dones: (() => void)[] = [];
    for (let at = 0; at < 4; at++) {
      addWork(mailbox, (done) => {
        begun.push(at);
        dones.push(done);
      });
    }
    dones[0]?.();
    dones[0]?.();
    expect(begun).toEqual([0, 1]);
    dones[0]?.();
    dones[1]?.();
    expect(begun).toEqual([0, 1, 2]);
  });

  test("a work that adds to its own mailbox does not wait for itself", () => {
    const mailbox = new Mailbox();
    const order: string[] = [];
    addWork(mailbox, (done) => {
      addWork(mailbox, (innerDone) => {
        order.push("inner");
        innerDone();
      });
      order.push("outer");
      done();
    });
    expect([order, mailbox.busy, mailbox.length]).toEqual([["outer", "inner"], false, 0]);
  });

  test.each(["at once", "later"])("ten thousand works that finish %s do not end the stack", (when) => {
    const mailbox = new Mailbox();
    let count = 0;
    let open = (): void => {};
    addWork(mailbox, (done) => {
      open = done;
    });
    const dones: (() => void)[] = [];
    for (let at = 0; at < 10_000; at++) {
      addWork(mailbox, (done) => {
        count++;
        if (when === "at once") done();
        else dones.push(done);
      });
    }
    open();
    for (let done = dones.shift(); done; done = dones.shift()) done();
    expect([count, mailbox.length, mailbox.busy]).toEqual([10_000, 0, false]);
  });

  test("whenever works finish, they begin in order and one at a time", () => {
    const step = fc.oneof(fc.constant("add now" as const), fc.constant("add later" as const), fc.constant("finish" as const));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const mailbox = new Mailbox();
        const begun: number[] = [];
        const finished: number[] = [];
        let added = 0;
        let current: (() => void) | undefined;
        for (const one of steps) {
          if (one === "finish") {
            const finish = current;
            current = undefined;
            finish?.();
            continue;
          }
          const number = added++;
          addWork(mailbox, (done) => {
            expect(finished).toHaveLength(begun.length);
            begun.push(number);
            const finish = (): void => {
              finished.push(number);
              done();
            };
            if (one === "add now") finish();
            else current = finish;
          });
          expect(mailbox.length).toBe(added - finished.length);
          expect(mailbox.busy).toBe(added > finished.length);
        }
        expect(begun).toEqual(begun.map((_, at) => at));
      }),
      { numRuns: 500 },
    );
  });
});
