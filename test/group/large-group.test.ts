import { create, toBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { type GroupQuery, MembersSchema } from "../../gen/nano/cluster/v1/link_pb.ts";
import { answerGroupQuery } from "../../src/frontend/group-query.ts";
import { createGroups, createInterest, createMembership, type Membership } from "../../src/group/index.ts";
import type { FrameBody, Link, Outcome } from "../../src/link/index.ts";
import { SessionCore, SessionData, SessionView } from "../../src/session/index.ts";
import { PlaySessionSchema } from "../schema/gen/play/v1/play_pb.ts";
import { startSession } from "../session/fake-home.ts";

const key = { type: "play", name: "all" };
// What one envelope holds.
const frameBytes = 65_536;

function member(at: number, user: string): SessionCore {
  return new SessionCore({
    id: Buffer.from(`${at * 7_919}`.padStart(16, "0")).toString("hex"),
    frontend: "gate-1",
    incarnation: 5n,
    client: { platform: "", version: "", fingerprint: undefined, remoteAddress: "" },
    user,
    roles: [],
    data: new SessionData(),
    home: startSession().home,
    failed: () => {},
  });
}

/** A frontend with so many members, at the other end of a link that keeps what was asked and answered. */
function frontend(users: readonly string[]): {
  readonly cores: readonly SessionCore[];
  readonly membership: Membership;
  readonly asked: GroupQuery[];
  readonly answered: number[];
  readonly link: Link;
} {
  const membership = createMembership(() => {});
  const cores = users.map((user, at) => member(at, user));
  for (const core of cores) membership.add(key, core);
  const asked: GroupQuery[] = [];
  const answered: number[] = [];
  let settle: (outcome: Outcome) => void = () => {};
  const link = {
    peer: { id: "gate-1", incarnation: 5n },
    expect(_deadline: number, settled: typeof settle) {
      settle = settled;
      return 1n;
    },
    send({ value }: FrameBody) {
      asked.push(value as GroupQuery);
      const members = answerGroupQuery(membership, value as GroupQuery);
      answered.push(toBinary(MembersSchema, members).length);
      settle({ case: "members", value: members });
    },
  };
  return { cores, membership, asked, answered, link: link as unknown as Link };
}

function groupOver(link: Link) {
  const interest = createInterest();
  interest.heard(link, {
    $typeName: "nano.cluster.v1.Interest",
    epoch: 1n,
    snapshot: true,
    added: [{ $typeName: "nano.cluster.v1.GroupName", ...key }],
    removed: [],
    call: 0n,
  });
  const self = { self: "play-1", incarnation: 1n, types: ["play"], pushed: { number: 0n } };
  const options = { ...self, membership: undefined, interest, now: () => 0, lost: () => {} };
  return createGroups(options)(key, () => {});
}

const view = (core: SessionCore) => new SessionView(core, PlaySessionSchema);

describe("a group with very many members on one frontend", () => {
  test("is counted and asked for one without listing them", async () => {
    const { cores, asked, answered, link } = frontend(Array.from({ length: 20_000 }, (_, at) => `user-${at}`));
    const group = groupOver(link);
    expect(await group.count()).toBe(20_000);
    const [first] = cores;
    if (!first) throw new Error("nobody");
    expect([await group.has(view(first)), await group.has(view(member(20_001, "other")))]).toEqual([true, false]);
    expect(asked.length).toBe(3);
    expect(Math.max(...answered)).toBeLessThan(100);
  });

  test("is listed in pages that fit a frame, everyone once, whatever their names", async () => {
    for (const name of ["u", "ü".repeat(256), ""]) {
      const { cores, asked, answered, link } = frontend(Array.from({ length: 9_001 }, () => name));
      const members = await groupOver(link).members();
      expect(members.map(({ session }) => session).sort()).toEqual(cores.map(({ id }) => id).sort());
      expect(new Set(members.map(({ user }) => user))).toEqual(new Set([name === "" ? undefined : name]));
      expect(asked.length).toBeGreaterThan(9);
      // Of names of two bytes a character a page is twice as large, and still no more than a few chunks.
      expect(Math.max(...answered)).toBeLessThan(2 * frameBytes);
    }
  });

  test("whoever comes and goes meanwhile takes nobody along", async () => {
    const { cores, membership, link } = frontend(Array.from({ length: 3_000 }, (_, at) => `user-${at}`));
    const staying = cores.filter((_, at) => at % 3 !== 0);
    const send = link.send.bind(link);
    let pages = 0;
    const group = groupOver({
      ...link,
      send(body: FrameBody) {
        send(body);
        for (let at = pages; at < 3_000; at += 9) if (at % 3 === 0) membership.remove(key, cores[at] as SessionCore);
        membership.add(key, member(100_000 + pages++, "new"));
      },
    } as Link);
    const listed = (await group.members()).map(({ session }) => session);
    expect(new Set(listed).size).toBe(listed.length);
    for (const { id } of staying) expect(listed).toContain(id);
  });

  test("an answer for a peer that asks for nothing in particular is a first page", () => {
    const { membership } = frontend(["ann", "bob"]);
    const query = { group: key, count: false, session: new Uint8Array(0), after: new Uint8Array(0) } as unknown as GroupQuery;
    expect(answerGroupQuery(membership, query)).toMatchObject({
      count: 2,
      more: false,
      members: [{ user: "ann" }, { user: "bob" }],
    });
    expect(
      answerGroupQuery(
        createMembership(() => {}),
        query,
      ),
    ).toMatchObject(create(MembersSchema));
  });
});
