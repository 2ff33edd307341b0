import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join as pathOf } from "node:path";
import { Etcd3, Range } from "etcd3";
import { createServer, silentLogger } from "nano-rpc";
import { afterEach, describe, expect, test } from "vitest";
import { type EtcdOptions, etcd, type ServerInfo } from "../../src/discovery/index.ts";
import { NanoError } from "../../src/error/index.ts";
import { openSockets, until } from "../net/recorder.ts";
import { selfSigned } from "../net/self-signed.ts";
import { type Etcd, type EtcdStart, startEtcd } from "../support/etcd.ts";
import { info, join, type Member } from "./member.ts";

const prefix = "/access";
const leaseMs = 2_000;
const password = "correct horse";

const members: Member[] = [];
const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  await Promise.all(members.splice(0).map(({ membership }) => membership.leave()));
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  await until(openSockets).toBe(0);
});

async function start(options?: EtcdStart): Promise<Etcd> {
  const registry = await startEtcd(options);
  cleanups.push(() => registry.stop());
  return registry;
}

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(pathOf(tmpdir(), "nano-etcd-access-"));
  cleanups.push(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function enter({ endpoint }: Etcd, self: ServerInfo, options: Partial<EtcdOptions> = {}): Promise<Member> {
  const member = await join(etcd({ endpoints: [endpoint], prefix, leaseMs, callTimeoutMs: 1_000, ...options }), self);
  members.push(member);
  return member;
}

/** A change that one makes is seen by the other. */
async function talk(one: Member, other: Member): Promise<void> {
  const version = `at ${performance.now()}`;
  // Etcd may have to be found anew; the change is made when it is.
  await one.membership.update({ ...one.self, version }).catch(() => {});
  await until(() => other.find(one.self.id)?.version, 10_000).toBe(version);
}

describe("etcd with users", () => {
  const nano = { username: "nano", password };

  /** Etcd that knows root, and `nano`, who may do what it likes below /access/. */
  async function startWithUsers(flags: readonly string[] = []): Promise<Etcd> {
    const registry = await start({ flags });
    await addUsers(registry);
    return registry;
  }

  async function addUsers({ endpoint }: Etcd): Promise<void> {
    const raw = new Etcd3({ hosts: `http://${endpoint}` });
    const role = raw.role("nano");
    await role.create();
    await role.grant({ permission: "Readwrite", range: Range.prefix(`${prefix}/`) });
    const user = raw.user("nano");
    await user.create(password);
    await user.addRole("nano");
    await raw.role("root").create();
    await raw.user("root").create(password);
    await raw.user("root").addRole("root");
    await raw.auth.authEnable();
    raw.close();
  }

  /** Someone who may change users. */
  function root({ endpoint }: Etcd): Etcd3 {
    const raw = new Etcd3({ hosts: `http://${endpoint}`, auth: { username: "root", password } });
    cleanups.push(() => raw.close());
    return raw;
  }

  async function calls(registry: Etcd): Promise<number> {
    const names = ["Txn", "Range", "LeaseKeepAlive", "LeaseGrant", "Authenticate", "Watch"];
    return (await Promise.all(names.map((name) => registry.calls(name)))).reduce((sum, count) => sum + count);
  }

  test("servers meet as a user who may use the prefix alone; its store is in reach", async () => {
    const registry = await startWithUsers();
    const one = await enter(registry, info("one"), nano);
    const two = await enter(registry, info("two"), nano);
    await talk(one, two);
    const { store } = one.membership;
    await store.write([{ key: "users/ann", value: "gate-1", lease: await store.lease(60_000) }]);
    expect(await two.membership.store.read(["users/ann"])).toEqual(["gate-1"]);
    expect(await two.membership.store.count("users/")).toBe(1);
  });

  test.each<[string, Partial<EtcdOptions>, string, RegExp]>([
    ["a wrong password", { ...nano, password: "wrong" }, "unauthenticated", /authentication failed, invalid user ID or password/],
    [
      "a user that is none",
      { ...nano, username: "nobody" },
      "unauthenticated",
      /authentication failed, invalid user ID or password/,
    ],
    ["no user", {}, "unauthenticated", /user name is empty/],
    ["a prefix that is not the user's", { ...nano, prefix: "/other" }, "permission_denied", /permission denied/],
  ])("%s ends the start at once, with a reason", async (_what, options, code, words) => {
    const registry = await startWithUsers();
    const startedAt = performance.now();
    const discovery = etcd({ endpoints: [registry.endpoint], prefix, ...options });
    const refused = await createServer({ id: "one", discovery, log: silentLogger })
      .start()
      .then(() => undefined, NanoError.from);
    expect(refused?.code).toBe(code);
    expect(refused?.message).toMatch(words);
    expect(refused?.message).toContain(`etcd at ${registry.endpoint}`);
    expect(refused?.message).not.toContain("correct horse");
    // The wait for an etcd that is away would be 10 s.
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    if (code === "unauthenticated") expect(await registry.calls("Authenticate")).toBeLessThan(10);
  });

  test("restarted: nobody's token is valid any more, and all go on", async () => {
    const registry = await startWithUsers();
    const one = await enter(registry, info("one"), { ...nano, leaseMs: 60_000 });
    const two = await enter(registry, info("two"), nano);
    await registry.kill();
    await registry.restart();
    await talk(one, two);
    await talk(two, one);
    await one.membership.store.write([{ key: "a", value: "1" }]);
    expect([...one.fences, ...two.fences]).toEqual([]);
    // No login for every call, and no call again and again.
    expect(await registry.calls("Authenticate")).toBeLessThan(10);
    expect(await calls(registry)).toBeLessThan(80);
  });

  test("tokens run out: others are asked for", async () => {
    const registry = await startWithUsers(["--auth-token-ttl", "1"]);
    // Nobody says a word for longer than a token is valid.
    const one = await enter(registry, info("one"), { ...nano, leaseMs: 60_000 });
    const two = await enter(registry, info("two"), { ...nano, leaseMs: 60_000 });
    const before = await registry.calls("Authenticate");
    for (let round = 1; round <= 2; round++) {
      await new Promise((resolve) => setTimeout(resolve, 2_500));
      await talk(one, two);
    }
    expect(await registry.calls("Authenticate")).toBeGreaterThan(before);
  });

  test.each(["simple", "jwt"])("users were changed: %s tokens of before are replaced", async (kind) => {
    const registry = await startWithUsers(kind === "jwt" ? ["--auth-token", await jwt()] : []);
    const one = await enter(registry, info("one"), nano);
    const two = await enter(registry, info("two"), nano);
    const raw = root(registry);
    await raw.role("more").create();
    await raw.user("nano").addRole("more");
    const before = await calls(registry);
    await talk(one, two);
    await talk(two, one);
    expect([...one.availability, ...two.availability]).toEqual([]);
    expect((await calls(registry)) - before).toBeLessThan(80);
  });

  /** What etcd is told to sign its tokens with. */
  async function jwt(): Promise<string> {
    const folder = await newFolder();
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
    const [secret, open] = [pathOf(folder, "jwt.key"), pathOf(folder, "jwt.pub")];
    await writeFile(secret, privateKey.export({ type: "sec1", format: "pem" }));
    await writeFile(open, publicKey.export({ type: "spki", format: "pem" }));
    return `jwt,pub-key=${open},priv-key=${secret},sign-method=ES256,ttl=10m`;
  }

  test("a right that is taken away and given back: no asking over and over meanwhile", async () => {
    const registry = await startWithUsers();
    const one = await enter(registry, info("one"), nano);
    const two = await enter(registry, info("two"), nano);
    const raw = root(registry);
    await raw.user("nano").removeRole("nano");
    await one.membership.update({ ...one.self, version: "denied" }).catch((reason: unknown) => {
      expect(NanoError.from(reason).code).toBe("permission_denied");
    });
    const names = ["Txn", "Range", "LeaseKeepAlive", "LeaseGrant", "Authenticate"];
    const count = async (): Promise<number> =>
      (await Promise.all(names.map((name) => registry.calls(name)))).reduce((a, b) => a + b);
    const before = await count();
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    // Two servers, some calls a second each.
    expect((await calls(registry)) - before).toBeLessThan(60);
    await raw.user("nano").addRole("nano");
    await until(() => two.find("one")?.version, 10_000).toBe("denied");
    await talk(two, one);
  });

  test("emptied, and so without users: servers come back, and log in again when there are some", async () => {
    const registry = await startWithUsers();
    const one = await enter(registry, info("one"), nano);
    const two = await enter(registry, info("two"), nano);
    await registry.kill();
    await registry.restart({ empty: true });
    await talk(one, two);
    await addUsers(registry);
    await talk(one, two);
    await talk(two, one);
  });
});

describe("etcd with TLS", () => {
  async function files(): Promise<{ start: EtcdStart; open: EtcdStart; ca: string; client: { cert: string; key: string } }> {
    const folder = await newFolder();
    const [server, client] = [selfSigned(), selfSigned("nano")];
    const path = (name: string): string => pathOf(folder, name);
    await writeFile(path("server.crt"), server.cert);
    await writeFile(path("server.key"), server.key);
    await writeFile(path("client.crt"), client.cert);
    const tls = { cert: path("server.crt"), key: path("server.key") };
    return { start: { tls: { ...tls, clientCa: path("client.crt") } }, open: { tls }, ca: server.cert, client };
  }

  test("a certificate of an authority of one's own; also after a restart", async () => {
    const { open, ca } = await files();
    const registry = await start(open);
    const one = await enter(registry, info("one"), { tls: { ca } });
    const two = await enter(registry, info("two"), { endpoints: [`https://${registry.endpoint}`], tls: { ca } });
    await talk(one, two);
    await registry.kill();
    await registry.restart();
    await talk(two, one);
  });

  test("certificates on both sides: whoever has none stays out, and is told why", async () => {
    const { start: strict, ca, client } = await files();
    const registry = await start(strict);
    const one = await enter(registry, info("one"), { tls: { ca, ...client } });
    const two = await enter(registry, info("two"), { tls: { ca, ...client } });
    await talk(one, two);
    const reasons = await Promise.all(
      [{ tls: { ca } }, { tls: { ca: selfSigned().cert, ...client } }, {}, { endpoints: [`https://${registry.endpoint}`] }].map(
        (options) =>
          enter(registry, info("three"), options).then(
            () => "came in",
            (reason: unknown) => NanoError.from(reason).message,
          ),
      ),
    );
    expect(reasons).toEqual([
      expect.stringMatching(/certificate required|alert|ECONNRESET|closed/i),
      expect.stringMatching(/self[- ]signed|unable to verify/i),
      expect.stringMatching(/no place in the cluster/),
      expect.stringMatching(/self[- ]signed|unable to verify/i),
    ]);
    expect(two.ids).toEqual(["one", "two"]);
  });
});
