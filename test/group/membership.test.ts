import { describe, expect, test } from "vitest";
import { createMembership, type GroupKey } from "../../src/group/index.ts";
import type { SessionCore } from "../../src/session/index.ts";

const session = (id: string): SessionCore => ({ id }) as SessionCore;
const lobby: GroupKey = { type: "room", name: "lobby" };

function watched(): { membership: ReturnType<typeof createMembership>; told: string[] } {
  const told: string[] = [];
  const membership = createMembership(({ type, name }, has) => void told.push(`${has ? "+" : "-"}${type}/${name}`));
  return { membership, told };
}

describe("createMembership()", () => {
  test("interest is told with the first member, and when the last has left", () => {
    const { membership, told } = watched();
    const [ann, bob] = [session("ann"), session("bob")];
    expect([membership.add(lobby, ann), membership.add(lobby, bob), membership.add(lobby, ann)]).toEqual([true, true, false]);
    expect([...membership.members(lobby)]).toEqual([ann, bob]);
    expect([membership.remove(lobby, ann), membership.remove(lobby, ann)]).toEqual([true, false]);
    expect(told).toEqual(["+room/lobby"]);
    membership.remove(lobby, bob);
    expect(told).toEqual(["+room/lobby", "-room/lobby"]);
    expect([...membership.members(lobby)]).toEqual([]);
    expect([...membership.keys()]).toEqual([]);
    membership.add({ ...lobby }, ann);
    expect(told).toEqual(["+room/lobby", "-room/lobby", "+room/lobby"]);
  });

  test("a session that goes leaves every group, and no other session does", () => {
    const { membership, told } = watched();
    const [ann, bob] = [session("ann"), session("bob")];
    const keys = ["a", "b", "c"].map((name) => ({ type: "room", name }));
    for (const key of keys) membership.add(key, ann);
    membership.add(keys[1] as GroupKey, bob);
    membership.leaveAll(ann);
    membership.leaveAll(ann);
    expect(keys.map((key) => [...membership.members(key)].map(({ id }) => id))).toEqual([[], ["bob"], []]);
    expect(told).toEqual(["+room/a", "+room/b", "+room/c", "-room/a", "-room/c"]);
  });

  test("groups of two types, and names that run together, do not meet", () => {
    const { membership } = watched();
    const ann = session("ann");
    membership.add({ type: "room", name: "x\ny" }, ann);
    expect([...membership.members({ type: "gate", name: "x\ny" })]).toEqual([]);
    expect([...membership.members({ type: "room", name: "x" })]).toEqual([]);
    for (const name of ["__proto__", "constructor", "toString"]) expect([...membership.members({ type: "", name })]).toEqual([]);
  });
});
