import { create } from "@bufbuild/protobuf";
import { NanoError, type Users } from "nano-rpc";
import { describe, expect, test } from "vitest";
import { MissedSchema } from "../../gen/nano/cluster/v1/link_pb.ts";
import { createVirtualClock } from "../../src/clock/index.ts";
import { memory } from "../../src/discovery/index.ts";
import type { FrameBody, Link, Outcome } from "../../src/link/index.ts";
import { encodeBinding, userKey } from "../../src/user/binding.ts";
import { createLocations, createUsers } from "../../src/user/index.ts";
import { info, join } from "../discovery/member.ts";
import { said, text } from "./hall.ts";

/** A frontend at the other end of a link, which keeps what it was sent. */
class Frontend {
  readonly id: string;
  readonly incarnation: bigint;
  readonly users = new Set<string>();
  readonly frames: FrameBody[] = [];
  readonly link: Link;
  /** Its link breaks before it has answered. */
  breaks = false;
  #calls = 0n;

  constructor(id: string, incarnation: bigint) {
    this.id = id;
    this.incarnation = incarnation;
    const waiting = new Map<bigint, (outcome: Outcome | NanoError) => void>();
    const take = (body: FrameBody): void => {
      this.frames.push(body);
      if (body.case !== "push" || body.value.target.case !== "users") return;
      const missed = body.value.target.value.users.filter((user) => !this.users.has(user));
      const outcome: Outcome = { case: "missed", value: create(MissedSchema, { users: missed }) };
      const broken = new NanoError({ code: "unavailable", message: "broken" });
      waiting.get(body.value.call)?.(this.breaks ? broken : outcome);
    };
    this.link = {
      peer: { id, incarnation },
      expect: (_deadline: number, settle: (outcome: Outcome | NanoError) => void) => {
        waiting.set(++this.#calls, settle);
        return this.#calls;
      },
      send: take,
      sendData: take,
    } as unknown as Link;
  }

  get named(): readonly (readonly string[])[] {
    return this.frames.map(({ value }) => ("target" in value && value.target.case === "users" ? value.target.value.users : []));
  }
}

async function cluster(frontends: readonly Frontend[]): Promise<{
  readonly reads: string[][];
  users(...ids: readonly string[]): Users;
  bind(user: string, frontend: Frontend): Promise<void>;
}> {
  const { membership } = await join(memory(), info("play-1"));
  const { store } = membership;
  const reads: string[][] = [];
  const read = (keys: readonly string[]) => {
    reads.push([...keys]);
    return store.read(keys);
  };
  const find = (incarnation: bigint) => frontends.find((one) => one.incarnation === incarnation)?.link;
  const locations = createLocations({ ...createVirtualClock(), soon: queueMicrotask }, () => ({ ...store, read }));
  const users = createUsers({
    self: { id: "play-1", incarnation: 1n },
    here: () => [],
    locations,
    frontends: () => frontends,
    linkTo: (incarnation) => {
      const link = find(incarnation);
      return link && Promise.resolve(link);
    },
    linkOf: find,
    now: () => 0,
  });
  return {
    reads,
    users: (...ids) => users(ids, () => {}),
    async bind(user, { id, incarnation, users: own }) {
      for (const frontend of frontends) frontend.users.delete(user);
      own.add(user);
      const binding = { user, frontend: id, incarnation, session: "00", boundMs: 1 };
      await store.write([{ key: userKey(user), value: encodeBinding(binding) }]);
    },
  };
}

describe("a push to many users", () => {
  test("costs one frame for each frontend, and one question for each hundred that are not known", async () => {
    const frontends = [new Frontend("gate-1", 11n), new Frontend("gate-2", 12n)] as const;
    const { reads, users, bind } = await cluster(frontends);
    const names = Array.from({ length: 950 }, (_, at) => `user-${at}`);
    for (const [at, name] of names.entries()) await bind(name, frontends[at % 2] ?? frontends[0]);
    expect(await users(...names, "away").push(said, text("all"))).toEqual({ missed: ["away"] });
    expect(frontends.map(({ named }) => named.map(({ length }) => length))).toEqual([[475], [475]]);
    expect(reads.map(({ length }) => length)).toEqual([...Array.from({ length: 9 }, () => 100), 51]);
    reads.length = 0;
    expect(await users(...names).push(said, text("again"))).toEqual({ missed: [] });
    expect(reads).toEqual([]);
    expect(frontends.map(({ frames }) => frames.length)).toEqual([2, 2]);
  });

  test("asks once for what several pushes want to know at once", async () => {
    const gate = new Frontend("gate-1", 11n);
    const { reads, users, bind } = await cluster([gate]);
    for (const name of ["ann", "bob", "cyd"]) await bind(name, gate);
    await Promise.all([
      users("ann", "bob").push(said, text("1")),
      users("cyd").push(said, text("2")),
      users("bob").push(said, text("3")),
    ]);
    expect(reads).toEqual([["users/ann", "users/bob", "users/cyd"]]);
    // What goes to one user goes in its order.
    const toBob = gate.frames.filter((_, at) => gate.named[at]?.includes("bob"));
    expect(toBob.length).toBe(2);
  });

  test("does not overtake one before it that has still to look for somebody", async () => {
    const gate = new Frontend("gate-1", 11n);
    const { users, bind } = await cluster([gate]);
    for (const name of ["ann", "bob", "cyd"]) await bind(name, gate);
    await users("bob").push(said, text("known"));
    const pushes = [users("ann", "bob"), users("bob"), users("bob", "cyd"), users("bob")].map((to) => to.push(said, text("")));
    await Promise.all(pushes);
    expect(gate.named).toEqual([["bob"], ["bob", "ann"], ["bob"], ["bob", "cyd"], ["bob"]]);
  });

  test("goes on to where users are by now: only they are looked for, and only their frames are sent again", async () => {
    const [one, two] = [new Frontend("gate-1", 11n), new Frontend("gate-2", 12n)];
    const { reads, users, bind } = await cluster([one, two]);
    for (const name of ["ann", "bob"]) await bind(name, one);
    await users("ann", "bob").push(said, text("before"));
    await bind("bob", two);
    reads.length = 0;
    expect(await users("ann", "bob").push(said, text("after"))).toEqual({ missed: [] });
    expect([one.named, two.named, reads]).toEqual([
      [
        ["ann", "bob"],
        ["ann", "bob"],
      ],
      [["bob"]],
      [["users/bob"]],
    ]);
    two.users.delete("bob");
    expect(await users("ann", "bob").push(said, text("gone"))).toEqual({ missed: ["bob"] });
  });

  test("is not sent again where nobody knows whether it came", async () => {
    const [one, two] = [new Frontend("gate-1", 11n), new Frontend("gate-2", 12n)];
    const { users, bind } = await cluster([one, two]);
    await bind("ann", one);
    await bind("bob", two);
    one.breaks = true;
    expect(await users("ann", "bob").push(said, text("once"))).toEqual({ missed: ["ann"] });
    expect([one.named, two.named]).toEqual([[["ann"]], [["bob"]]]);
    one.breaks = false;
    await bind("ann", two);
    expect(await users("ann").push(said, text("found"))).toEqual({ missed: [] });
    expect([one.frames.length, two.named]).toEqual([1, [["bob"], ["ann"]]]);
  });

  test("names so many in one frame as fit", async () => {
    const gate = new Frontend("gate-1", 11n);
    const { users, bind } = await cluster([gate]);
    const names = Array.from({ length: 600 }, (_, at) => `${at}`.padEnd(250, "x"));
    for (const name of names) await bind(name, gate);
    expect(await users(...names).push(said, text("long"))).toEqual({ missed: [] });
    expect(gate.named.flat()).toEqual(names);
    expect(gate.frames.length).toBe(3);
  });
});
