import { beforeEach, describe, expect, test } from "vitest";
import type { ServerInfo } from "../../src/discovery/index.ts";
import { NanoError } from "../../src/error/index.ts";
import { createRoles, type Roles } from "../../src/link/index.ts";
import { type ClusterCounters, createClusterCounters } from "../../src/metrics/index.ts";
import { urisOf } from "../../src/net/certificate-uris.ts";
import { createHubs, type Hubs, serverInfo, type TestHub, whyNot } from "./hubs.ts";
import type { RawLink } from "./raw-link.ts";

const token = "a token of the cluster that is long enough";
const challenge = new Uint8Array(32).fill(7);
const gate: ServerInfo = { ...serverInfo("gate-1", 77n), types: ["gate"], frontend: true };

describe("a server that dials where strangers are kept out", () => {
  let hubs: Hubs;
  let roles: Roles;
  let counters: ClusterCounters;
  let play: TestHub;

  beforeEach(async () => {
    hubs = createHubs();
    counters = createClusterCounters();
    roles = createRoles({ shut: true, counters });
    play = await hubs.hub("play-1", 1n, { tokens: [token], roles, counters });
  });

  /** Somebody who knows the token, and says who he is. */
  async function greets(self: ServerInfo): Promise<RawLink> {
    const raw = await hubs.raw(play);
    raw.hello(self, { challenge, types: [...self.types], frontend: self.frontend });
    await hubs.settle();
    raw.proof(token, self, { ...play.info, challenge: raw.take("hello").challenge });
    await hubs.settle();
    return raw;
  }

  test("as a frontend is let in when its record says so", async () => {
    roles.heard([gate]);
    const raw = await greets(gate);
    expect(raw.kinds).toContain("proof");
    expect(play.opened[0]?.peer).toMatchObject({ id: "gate-1", frontend: true });
  });

  test("as a frontend before its record is known waits for it", async () => {
    const raw = await greets(gate);
    await hubs.advance(1_500);
    expect([raw.kinds, play.opened]).toEqual([[], []]);
    roles.heard([serverInfo("other", 5n)]);
    play.hub.serversChanged();
    await hubs.settle();
    expect([raw.kinds, play.opened]).toEqual([[], []]);
    roles.heard([gate]);
    play.hub.serversChanged();
    await hubs.settle();
    expect(raw.kinds).toContain("proof");
    expect(play.opened).toHaveLength(1);
    await hubs.advance(3_000);
    expect(counters.linksRefused).toEqual(createClusterCounters().linksRefused);
    expect(raw.closed).toBe(false);
  });

  test("as a frontend that no record tells of is refused after 2 s", async () => {
    const raw = await greets(gate);
    await hubs.advance(2_600);
    expect(raw.take("goodbye")).toMatchObject({
      code: "permission_denied",
      reason: "no record says that gate-1 is a frontend",
    });
    expect(raw.closed).toBe(true);
    expect(play.opened).toEqual([]);
    expect(counters.linksRefused).toMatchObject({ record: 1, token: 0, late: 0 });
    roles.heard([gate]);
    play.hub.serversChanged();
    await hubs.settle();
    expect(play.opened).toEqual([]);
  });

  test("and says more while it waits is refused at once", async () => {
    const raw = await greets(gate);
    raw.proof(token, gate, { ...play.info, challenge });
    await hubs.settle();
    expect(raw.take("goodbye")).toMatchObject({ code: "failed_precondition" });
    expect(counters.linksRefused.protocol).toBe(1);
  });

  test("and hangs up while it waits is forgotten", async () => {
    const raw = await greets(gate);
    raw.stream?.destroy();
    await hubs.settle();
    roles.heard([gate]);
    play.hub.serversChanged();
    await hubs.advance(3_000);
    expect(play.opened).toEqual([]);
    expect(counters.linksRefused).toEqual(createClusterCounters().linksRefused);
  });

  test.each<[string, Partial<ServerInfo>, string]>([
    ["a frontend", { frontend: true, types: ["play"] }, "that it is a frontend"],
    ["another type", { types: ["play", "gate"] }, "that its type is gate"],
    ["another id", { id: "play-3" }, "that its id is play-3"],
  ])("as %s, and has a record that says otherwise, is refused", async (_what, differs, wrong) => {
    roles.heard([serverInfo("play-2", 2n)]);
    const raw = await greets({ ...serverInfo("play-2", 2n), ...differs });
    expect(raw.take("goodbye")).toMatchObject({
      code: "permission_denied",
      reason: `the record of play-2 does not say ${wrong}`,
    });
    expect(counters.linksRefused.record).toBe(1);
    expect(play.opened).toEqual([]);
  });

  test("only to ask needs no record", async () => {
    const raw = await greets(serverInfo("tool", 9n));
    expect(raw.kinds).toContain("proof");
    expect(play.opened[0]?.peer).toMatchObject({ id: "tool", frontend: false });
  });

  test("is known ever after: also when its record is gone, as where discovery is away", async () => {
    roles.heard([gate]);
    roles.heard([]);
    expect((await greets(gate)).kinds).toContain("proof");
  });

  test("is refused by whoever dials it, where it says of itself what its record does not", async () => {
    const liar = await hubs.hub("gate-1", 77n, { tokens: [token], frontend: true });
    roles.heard([{ ...liar.info, frontend: false }]);
    const outcome = await hubs.drive(play.hub.linkTo(liar.info).then(() => "open", whyNot));
    expect(outcome).toMatch("permission_denied: the record of gate-1 does not say that it is a frontend");
    expect([play.opened, counters.linksRefused.record]).toEqual([[], 1]);
  });

  test("with a wrong token, nonsense or nothing is counted by reason", async () => {
    const wrong = await hubs.raw(play);
    wrong.hello(gate, { challenge });
    await hubs.settle();
    wrong.proof("another token of the same length or more", gate, { ...play.info, challenge: wrong.take("hello").challenge });
    (await hubs.raw(play)).hello(gate, { challenge: new Uint8Array(0) });
    (await hubs.raw(play)).sayBytes(Uint8Array.of(0, 0, 0, 0, 3, 255, 255, 255));
    await hubs.raw(play);
    await hubs.advance(6_000);
    expect(counters.linksRefused).toEqual({ ...createClusterCounters().linksRefused, token: 2, protocol: 1, late: 1 });
  });
});

test("of very many greetings at once the oldest goes: who belongs here is let in", async () => {
  const hubs = createHubs();
  const counters = createClusterCounters();
  const play = await hubs.hub("play-1", 1n, { counters });
  const silent: RawLink[] = [];
  for (let at = 0; at < 1_100; at++) silent.push(await hubs.raw(play));
  const honest = await hubs.raw(play);
  honest.hello({ id: "gate-1", incarnation: 77n });
  await hubs.settle();
  expect(honest.kinds).toContain("hello");
  expect(play.opened).toHaveLength(1);
  expect(silent.findIndex(({ closed }) => !closed)).toBe(counters.linksRefused.busy);
  expect(counters.linksRefused.busy).toBe(1_101 - 1_024);
});

describe("a certificate", () => {
  const counters = createClusterCounters();
  const roles = createRoles({ shut: true, counters });

  function checked(claim: Partial<ServerInfo>, uris: readonly string[] | undefined): string {
    try {
      return roles.check({ ...serverInfo("room-1", 3n), types: ["room"], ...claim }, uris);
    } catch (reason) {
      const { code, message } = NanoError.from(reason);
      return `${code}: ${message}`;
    }
  }

  test.each<[string, Partial<ServerInfo>, readonly string[] | undefined, string]>([
    ["of its type", {}, ["nano:type:room"], "known"],
    ["of its type and id", {}, ["nano:type:room", "nano:id:room-2", "nano:id:room-1"], "known"],
    ["of two types", { types: ["room", "hall"] }, ["nano:type:hall", "nano:type:room"], "known"],
    ["of a frontend", { frontend: true }, ["nano:type:room", "nano:frontend"], "known"],
    ["of another id", {}, ["nano:type:room", "nano:id:room-2"], "that its id is room-1"],
    ["of another type", {}, ["nano:type:hall"], "that its type is room"],
    ["of one type of two", { types: ["room", "hall"] }, ["nano:type:room"], "that its type is hall"],
    ["of no frontend", { frontend: true }, ["nano:type:room"], "that it is a frontend"],
    ["of a type called frontend", { frontend: true }, ["nano:type:room", "nano:type:frontend"], "that it is a frontend"],
    ["of something nobody knows", {}, ["nano:later"], "that its type is room"],
    ["of nothing of ours, to ask", {}, ["spiffe://x/room"], "known"],
    ["of nothing of ours, as a frontend", { frontend: true }, ["https://nano:frontend"], "unknown"],
    ["that was not shown, as a frontend", { frontend: true }, undefined, "unknown"],
  ])("%s", (_what, claim, uris, outcome) => {
    const refused = outcome.startsWith("that ");
    const before = counters.linksRefused.certificate;
    const words = `permission_denied: the certificate of room-1 does not say ${outcome}`;
    expect(checked(claim, uris)).toBe(refused ? words : outcome);
    expect(counters.linksRefused.certificate - before).toBe(refused ? 1 : 0);
  });

  test("and the record both have to say what a server is", () => {
    roles.heard([{ ...serverInfo("room-5", 5n), types: ["room"], frontend: true }]);
    const claim = { id: "room-5", incarnation: 5n };
    expect(checked({ ...claim, frontend: true }, ["nano:type:room", "nano:frontend"])).toBe("known");
    expect(checked({ ...claim, frontend: true }, ["nano:type:room"])).toMatch("the certificate");
    expect(checked({ ...claim, types: ["hall"] }, ["nano:type:hall", "nano:type:room", "nano:frontend"])).toMatch("the record");
    expect(checked({ ...claim, frontend: true }, [])).toBe("known");
  });

  test("is none for another server's incarnation, however little its own says of itself", () => {
    roles.heard([gate]);
    const little = { incarnation: gate.incarnation, types: [], frontend: false };
    expect(checked({ ...little, id: "room-1" }, ["nano:type:room"])).toMatch(
      "the certificate of room-1 does not say that it is a frontend",
    );
    expect(checked({ ...little, id: "gate-1" }, ["nano:type:room"])).toMatch("the certificate of gate-1");
    expect(checked({ ...little, id: "gate-2" }, ["nano:type:gate", "nano:frontend"])).toMatch("the record of gate-1");
    expect(checked({ ...little, id: "gate-1" }, ["nano:type:gate", "nano:frontend", "nano:id:gate-2"])).toMatch(
      "the certificate",
    );
    expect(checked({ ...little, id: "gate-1" }, ["nano:type:gate", "nano:frontend"])).toBe("known");
  });

  test("has only those URIs that nothing else can be taken for", () => {
    expect(urisOf("URI:nano:frontend, DNS:a.b, IP Address:10.0.0.1, URI:nano:type:room")).toEqual([
      "nano:frontend",
      "nano:type:room",
    ]);
    for (const other of [
      'DNS:"a, URI:nano:frontend, b"',
      'URI:"nano:frontend"',
      'email:"x\\", URI:nano:frontend, \\"y"',
      "DNS:URI:nano",
      "",
    ]) {
      expect(urisOf(other), other).toEqual([]);
    }
  });
});

test("roles are remembered of the last 16,384 servers, those that are there first of all", () => {
  const counters = createClusterCounters();
  const roles = createRoles({ shut: true, counters });
  roles.heard([gate, { ...gate, incarnation: 78n }]);
  for (let at = 0; at < 17; at++) {
    const many = Array.from({ length: 1_000 }, (_, one) => ({ ...gate, incarnation: BigInt(1_000 + at * 1_000 + one) }));
    roles.heard([...many, gate]);
  }
  expect(roles.check(gate, undefined)).toBe("known");
  expect(roles.check({ ...gate, incarnation: 78n }, undefined)).toBe("unknown");
});
