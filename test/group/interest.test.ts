import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { InterestSchema } from "../../gen/nano/cluster/v1/link_pb.ts";
import { createInterest, type Interest } from "../../src/group/index.ts";
import type { Link } from "../../src/link/index.ts";

const linkTo = (id: string): Link => ({ peer: { id } }) as Link;
const key = (name: string): { type: string; name: string } => ({ type: "room", name });
const keys = (...names: readonly string[]): { type: string; name: string }[] => names.map(key);
const [one, two] = [linkTo("gate-1"), linkTo("gate-2")];

function hear(interest: Interest, link: Link, frame: MessageInitShape<typeof InterestSchema>): void {
  interest.heard(link, create(InterestSchema, frame));
}

function interested(interest: Interest, ...names: readonly string[]): Readonly<Record<string, string[]>> {
  return Object.fromEntries(names.map((name) => [name, [...interest.linksOf(key(name))].map(({ peer }) => peer.id)]));
}

describe("createInterest()", () => {
  test("links are added to groups and taken out, each on its own", () => {
    const interest = createInterest();
    hear(interest, one, { added: keys("a", "b") });
    hear(interest, two, { added: keys("b", "b") });
    expect(interested(interest, "a", "b", "c")).toEqual({ a: ["gate-1"], b: ["gate-1", "gate-2"], c: [] });
    hear(interest, one, { added: keys("c"), removed: keys("b", "never") });
    expect(interested(interest, "a", "b", "c")).toEqual({ a: ["gate-1"], b: ["gate-2"], c: ["gate-1"] });
  });

  test("a snapshot is all that there is, and what follows adds to it", () => {
    const interest = createInterest();
    hear(interest, one, { epoch: 1n, added: keys("a", "b") });
    hear(interest, two, { epoch: 1n, added: keys("a") });
    hear(interest, one, { epoch: 2n, snapshot: true, added: keys("b", "c") });
    hear(interest, one, { epoch: 2n, added: keys("d") });
    expect(interested(interest, "a", "b", "c", "d")).toEqual({ a: ["gate-2"], b: ["gate-1"], c: ["gate-1"], d: ["gate-1"] });
    hear(interest, one, { epoch: 3n, snapshot: true });
    expect(interested(interest, "a", "b", "c", "d")).toEqual({ a: ["gate-2"], b: [], c: [], d: [] });
  });

  test("of a snapshot in several frames the last takes out what none has named; until then nobody is passed by", () => {
    const interest = createInterest();
    hear(interest, one, { epoch: 1n, snapshot: true, added: keys("a", "b", "c") });
    hear(interest, one, { epoch: 2n, added: keys("a") });
    expect(interested(interest, "a", "b", "c")).toEqual({ a: ["gate-1"], b: ["gate-1"], c: ["gate-1"] });
    hear(interest, one, { epoch: 2n, snapshot: true, added: keys("c", "d") });
    expect(interested(interest, "a", "b", "c", "d")).toEqual({ a: ["gate-1"], b: [], c: ["gate-1"], d: ["gate-1"] });
  });

  test("what passes by a frontend whose link was lost is told when it is back, once, with all that it has by then", () => {
    const interest = createInterest();
    const sent: unknown[] = [];
    const peer = { id: "gate-1", incarnation: 1n };
    const lost = { peer, broken: true } as Link;
    const back = {
      peer,
      send: ({ value }: { readonly value: { readonly groups: readonly { readonly name: string }[] } }) =>
        void sent.push(...value.groups.map(({ name }) => name)),
    } as unknown as Link;
    hear(interest, lost, { epoch: 1n, snapshot: true, added: keys("a", "b") });
    expect(interest.passBy(key("a"))).toEqual([]);
    interest.forget(lost);
    expect(["a", "a", "c"].map((name) => interest.passBy(key(name)))).toEqual([["gate-1"], ["gate-1"], []]);
    hear(interest, back, { epoch: 2n, added: keys("a") });
    expect(sent).toEqual([]);
    hear(interest, back, { epoch: 2n, snapshot: true, added: keys("d") });
    hear(interest, back, { epoch: 3n, snapshot: true, added: keys("d") });
    expect([sent, interest.passBy(key("a"))]).toEqual([["a"], []]);
    // Nobody waits for a server that is gone, or that closed its link.
    interest.forget({ ...back, broken: false } as Link);
    interest.forget(lost);
    hear(interest, lost, { epoch: 1n, added: keys("a") });
    interest.forget(lost);
    interest.gone(1n);
    expect(interest.passBy(key("a"))).toEqual([]);
  });

  test("whoever asks hears when it is known", () => {
    const interest = createInterest();
    const answers: unknown[] = [];
    const asking = {
      ...one,
      answer: (call: bigint, { case: kind }: { readonly case: string }) =>
        void answers.push(call, kind, [...interest.linksOf(key("a"))].length),
    } as unknown as Link;
    hear(interest, asking, { epoch: 1n, added: keys("b") });
    hear(interest, asking, { epoch: 1n, added: keys("a"), call: 7n });
    expect(answers).toEqual([7n, "body", 1]);
  });

  test("a link that is gone is in nothing; groups of another type are others", () => {
    const interest = createInterest();
    hear(interest, one, { added: [...keys("a"), { type: "gate", name: "a" }] });
    hear(interest, two, { added: keys("a") });
    interest.forget(one);
    interest.forget(one);
    expect(interested(interest, "a")).toEqual({ a: ["gate-2"] });
    expect([...interest.linksOf({ type: "gate", name: "a" })]).toEqual([]);
  });

  test("names that objects have of their own are names like any other", () => {
    const interest = createInterest();
    expect(interested(interest, "__proto__", "constructor")).toEqual(
      Object.fromEntries([
        ["__proto__", []],
        ["constructor", []],
      ]),
    );
    hear(interest, one, { added: keys("__proto__") });
    expect([...interest.linksOf(key("__proto__"))]).toEqual([one]);
  });
});
