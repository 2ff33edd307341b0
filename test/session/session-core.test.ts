import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { turn } from "../../src/clock/index.ts";
import { type CloseReason, NanoError } from "../../src/error/index.ts";
import { type DataPatch, encodePatch, type OutgoingPush, SessionData, type SessionListener } from "../../src/session/index.ts";
import { KindsSchema } from "../serializer/kinds.ts";
import { addWork } from "./add-work.ts";
import { startSession } from "./fake-home.ts";

const left: CloseReason = { kind: "left", message: "" };
const push: OutgoingPush = { route: "a.b", body: new Uint8Array(0), delivery: "replay" };
const ended = expect.objectContaining({ name: "NanoError", code: "not_found" });
const patchOf = (fields: object): DataPatch => encodePatch(KindsSchema, fields);

/** A listener that writes down what it hears. */
function listening(heard: unknown[]): SessionListener {
  return {
    bound: (user) => void heard.push(`bound ${user}`),
    patched: ({ fields }) => void heard.push(`patched ${fields.length}`),
    closed: ({ kind }) => void heard.push(`closed ${kind}`),
  };
}

describe("the end", () => {
  test("comes once, to every listener, with the first reason", async () => {
    const { core } = startSession();
    const heard: unknown[] = [];
    core.listen(listening(heard));
    core.listen(listening(heard));
    const first = core.end(left);
    expect(core.end({ kind: "lost", message: "" })).toBe(first);
    await first;
    core.applied(patchOf({ text: "late" }));
    core.userChanged("late", []);
    expect(heard).toEqual(["closed left", "closed left"]);
    expect([core.state, core.ended]).toEqual(["ended", left]);
  });

  test("is over when the callbacks have finished, also those that fail", async () => {
    const { core, failures } = startSession();
    const slow = Promise.withResolvers<void>();
    core.listen({ closed: () => slow.promise });
    core.listen({
      closed: () => {
        throw new Error("at once");
      },
    });
    core.listen({ closed: () => Promise.reject(new Error("later")) });
    let over = false;
    const end = core.end(left).then(() => {
      over = true;
    });
    await turn();
    expect(over).toBe(false);
    slow.resolve();
    await end;
    expect(failures.map((reason) => (reason as Error).message)).toEqual(["at once", "later"]);
  });

  test("is heard at once by whoever listens afterwards, and waited for", async () => {
    const { core } = startSession();
    await core.end(left);
    const slow = Promise.withResolvers<void>();
    const heard: unknown[] = [];
    const off = core.listen({
      closed: ({ kind }) => {
        heard.push(kind);
        return slow.promise;
      },
    });
    expect(heard).toEqual(["left"]);
    off();
    let over = false;
    const end = core.end(left).then(() => {
      over = true;
    });
    await turn();
    expect(over).toBe(false);
    slow.resolve();
    await end;
  });

  test("is not heard by whoever has gone", async () => {
    const { core } = startSession();
    const heard: unknown[] = [];
    core.listen(listening(heard))();
    await core.end(left);
    expect(heard).toEqual([]);
  });

  test("from then on nothing changes: what can fail is not_found, the rest is nothing", async () => {
    const { core, home } = startSession();
    await core.end(left);
    await expect(core.write(patchOf({ text: "a" }), undefined)).rejects.toEqual(ended);
    await expect(core.write(patchOf({ text: "a" }), patchOf({}))).rejects.toEqual(ended);
    await expect(core.bind("ann", [])).rejects.toEqual(ended);
    await expect(core.changeGroup({ type: "room", name: "r" }, "add")).rejects.toEqual(ended);
    expect(await core.deliver(push)).toBe(false);
    core.push(push);
    core.kick({ code: "internal", reason: "" });
    expect(home.asked).toEqual([]);
    expect(core.data(KindsSchema)).toMatchObject({ text: "" });
  });
});

describe("the user", () => {
  test("is bound once the home has said so, with its roles", async () => {
    const { core, home } = startSession();
    const heard: unknown[] = [];
    core.listen(listening(heard));
    const answer = home.holdBind();
    const binding = core.bind("ann", ["admin"]);
    expect(core.user).toBeUndefined();
    answer.resolve("ended");
    expect(await binding).toBe("ended");
    expect([core.user, core.roles, heard]).toEqual(["ann", ["admin"], ["bound ann"]]);
  });

  test("is not bound where the home refuses", async () => {
    const { core, home } = startSession();
    const answer = home.holdBind();
    const binding = core.bind("ann", ["admin"]);
    answer.reject(new NanoError({ code: "unavailable", message: "" }));
    await expect(binding).rejects.toMatchObject({ code: "unavailable" });
    expect([core.user, core.roles]).toEqual([undefined, []]);
  });

  test("the same again asks nobody; another one is failed_precondition", async () => {
    const { core, home } = startSession();
    await core.bind("ann", []);
    home.asked.length = 0;
    expect(await core.bind("ann", ["admin"])).toBe("none");
    await expect(core.bind("bob", [])).rejects.toMatchObject({ code: "failed_precondition" });
    expect([core.user, home.asked]).toEqual(["ann", []]);
  });

  test("is none after logout, and another one may come", async () => {
    const { core } = startSession();
    const heard: unknown[] = [];
    core.listen(listening(heard));
    await core.bind("ann", ["admin"]);
    await core.bind("", []);
    expect([core.user, core.roles]).toEqual([undefined, []]);
    await core.bind("bob", []);
    expect([core.user, heard]).toEqual(["bob", ["bound ann", "bound bob"]]);
  });

  test("that the frontend tells of twice is heard once", () => {
    const { core } = startSession();
    const heard: unknown[] = [];
    core.listen(listening(heard));
    core.userChanged("ann", []);
    core.userChanged("ann", ["admin"]);
    expect([heard, core.roles]).toEqual([["bound ann"], ["admin"]]);
  });
});

test("what a listener throws stays its own", () => {
  const { core, failures } = startSession();
  const heard: unknown[] = [];
  const broken = (): never => {
    throw new Error("broken");
  };
  core.listen({ bound: broken, patched: broken });
  core.listen(listening(heard));
  core.userChanged("ann", []);
  core.applied(patchOf({ text: "a" }));
  expect([heard, failures.length]).toEqual([["bound ann", "patched 3"], 2]);
});

test("pushes, kicks and groups go home", async () => {
  const { core, home } = startSession();
  core.push(push);
  expect(await core.deliver(push)).toBe(true);
  core.kick({ code: "internal", reason: "r" });
  await core.changeGroup({ type: "room", name: "r" }, "remove");
  expect(home.asked).toEqual(["push a.b", "deliver a.b", "kick internal", "remove r"]);
});

describe("the data", () => {
  const text = (core: ReturnType<typeof startSession>["core"]): unknown => ({ ...core.data(KindsSchema) })["text" as never];

  test("is the same object until it changes", () => {
    const { core } = startSession();
    const before = core.data(KindsSchema);
    expect(core.data(KindsSchema)).toBe(before);
    core.applied(patchOf({ text: "a" }));
    expect(core.data(KindsSchema)).not.toBe(before);
    expect(before).toMatchObject({ text: "" });
  });

  test("shows an own write at once; the others' when the next message begins", async () => {
    const { core, home } = startSession();
    let done = (): void => {};
    addWork(core.mailbox, (finished) => {
      done = finished;
    });
    const answer = home.holdWrite();
    const writing = core.write(patchOf({ text: "mine" }), undefined);
    core.applied(patchOf({ i32: 5 }));
    expect(core.data(KindsSchema)).toMatchObject({ text: "mine", i32: 0 });
    answer.resolve(true);
    expect(await writing).toBe(true);
    expect(core.data(KindsSchema)).toMatchObject({ text: "mine", i32: 0 });
    core.applied(patchOf({ text: "mine" }));
    done();
    core.refresh();
    expect(core.data(KindsSchema)).toMatchObject({ text: "mine", i32: 5 });
  });

  test("does not show a write that failed", async () => {
    const { core, home } = startSession();
    core.applied(patchOf({ text: "before", i32: 1 }));
    const first = home.holdWrite();
    const refused = core.write(patchOf({ text: "refused" }), undefined);
    const second = home.holdWrite();
    const taken = core.write(patchOf({ yes: true }), undefined);
    first.reject(new NanoError({ code: "resource_exhausted", message: "" }));
    await expect(refused).rejects.toMatchObject({ code: "resource_exhausted" });
    expect(core.data(KindsSchema)).toMatchObject({ text: "before", i32: 1, yes: true });
    core.applied(patchOf({ yes: true }));
    second.resolve(true);
    await taken;
    expect(core.data(KindsSchema)).toMatchObject({ text: "before", i32: 1, yes: true });
  });

  test("a write that expects something shows only when it was applied", async () => {
    const { core, home } = startSession();
    const answer = home.holdWrite();
    const writing = core.write(patchOf({ text: "a" }), patchOf({ text: "" }));
    expect(text(core)).toBe("");
    answer.resolve(false);
    expect(await writing).toBe(false);
    expect(text(core)).toBe("");
  });

  test("of two writes the later one counts, though it came with the answer to the own one", async () => {
    const { core, home } = startSession();
    const answer = home.holdWrite();
    const writing = core.write(patchOf({ text: "mine" }), undefined);
    // All in one batch of the link.
    core.applied(patchOf({ text: "mine" }));
    answer.resolve(true);
    core.applied(patchOf({ text: "theirs" }));
    await writing;
    expect(text(core)).toBe("theirs");
  });

  test("is anew after a broken link, but for own writes on their way", async () => {
    const { core, home } = startSession();
    core.applied(patchOf({ text: "old", i32: 1 }));
    const answer = home.holdWrite();
    const writing = core.write(patchOf({ yes: true }), undefined);
    const data = new SessionData();
    data.apply(patchOf({ text: "new" }));
    core.reset("ann", ["admin"], data);
    expect(core.data(KindsSchema)).toMatchObject({ text: "new", i32: 0, yes: true });
    expect([core.user, core.roles]).toEqual(["ann", ["admin"]]);
    answer.reject(new NanoError({ code: "unavailable", message: "" }));
    await expect(writing).rejects.toThrow();
    expect(core.data(KindsSchema)).toMatchObject({ text: "new", yes: false });
  });

  test("is on every server what the frontend has, whoever writes what when", async () => {
    const field = fc.constantFrom("text", "left");
    const write = fc.record({ at: fc.nat(1), field, value: fc.string({ maxLength: 2 }), refused: fc.boolean() });
    const read = fc.record({ at: fc.nat(1), frames: fc.nat(4) });
    const busy = fc.record({ at: fc.nat(1), busy: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(write, read, busy), { maxLength: 30 }), async (steps) => {
        const truth = new SessionData();
        // What the frontend has sent to each server, in order: changes to all, answers to whoever asked.
        const frames: (() => void)[][] = [[], []];
        const servers = [startSession(), startSession()].map((session) => ({
          ...session,
          done: undefined as (() => void) | undefined,
        }));
        const later = (): Promise<void> => turn();
        for (const one of steps) {
          const server = servers[one.at];
          const mine = frames[one.at];
          if (!server || !mine) throw new Error("there are two");
          if ("value" in one) {
            const fields = one.field === "text" ? { text: one.value } : { side: { case: "left", value: one.value } };
            const answer = server.home.holdWrite();
            const patch = patchOf(fields);
            void server.core.write(patch, undefined).catch(() => {});
            expect(server.core.data(KindsSchema)).toMatchObject(fields);
            if (one.refused) mine.push(() => answer.reject(new NanoError({ code: "resource_exhausted", message: "" })));
            else {
              truth.apply(patch);
              for (const [at, { core }] of servers.entries()) frames[at]?.push(() => core.applied(patch));
              mine.push(() => answer.resolve(true));
            }
          } else if ("frames" in one) {
            for (const frame of mine.splice(0, one.frames)) frame();
            await later();
          } else if (one.busy) {
            if (server.done) continue;
            server.core.refresh();
            addWork(server.core.mailbox, (done) => {
              server.done = done;
            });
          } else {
            server.done?.();
            server.done = undefined;
          }
        }
        for (const [at, { core, done }] of servers.entries()) {
          for (const frame of frames[at] ?? []) frame();
          await later();
          done?.();
          core.refresh();
        }
        const last = startSession(truth).core.data(KindsSchema);
        for (const { core } of servers) expect(core.data(KindsSchema)).toEqual(last);
      }),
      { numRuns: 300 },
    );
  });
});
