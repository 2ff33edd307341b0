import { describe, expect, test } from "vitest";
import { silentLogger } from "../../src/logger/index.ts";
import { type PackedSchema, packSchema } from "../../src/route/index.ts";
import { createDirectory, type Directory } from "../../src/router/index.ts";
import { ShopHandler } from "../schema/gen/game/v1/game_nano.ts";
import { OtherHandler, PlayHandler, PlayMethod, WhoMethod, WhoRemote } from "../schema/gen/play/v1/play_nano.ts";
import { serverInfo } from "./server-info.ts";

const play = packSchema([PlayHandler, WhoRemote]);
const newer = packSchema([PlayHandler, WhoRemote, OtherHandler]);
const shop = packSchema([ShopHandler]);
const home = PlayMethod.home.route;

interface Known {
  readonly directory: Directory;
  /** The hashes that it asked for, in order. */
  readonly asked: string[];
  readonly changes: () => number;
  /** What it logged as errors. */
  readonly errors: object[];
}

function directory(load?: (hash: string) => Promise<Uint8Array | undefined>): Known {
  const schemas = new Map<string, PackedSchema>([play, newer, shop].map((one) => [one.hash, one]));
  const asked: string[] = [];
  const errors: object[] = [];
  let changes = 0;
  const made = createDirectory({
    load(hash) {
      asked.push(hash);
      return load ? load(hash) : Promise.resolve(schemas.get(hash)?.gzip);
    },
    changed: () => void changes++,
    log: { ...silentLogger, error: (fields) => void errors.push(fields) },
  });
  return { directory: made, asked, changes: () => changes, errors };
}

const ids = (servers: readonly { id: string }[] | undefined): string[] | undefined => servers?.map(({ id }) => id);

describe("createDirectory()", () => {
  test("knows nothing at first", () => {
    const known = directory().directory;
    expect([known.servers, known.types, known.clientRoutes]).toEqual([[], [], []]);
    expect([known.byId("a"), known.byIncarnation(97n), known.route(home), known.ofType("play")]).toEqual([
      undefined,
      undefined,
      undefined,
      [],
    ]);
    expect(known.registry.getMessage("play.v1.HomeRequest")).toBeUndefined();
  });

  test("finds servers by id, incarnation and type, in the order of their ids", async () => {
    const known = directory().directory;
    const [a, b, c] = [serverInfo("a", { types: ["gate", "play"] }), serverInfo("b"), serverInfo("c", { types: [] })];
    await known.update([c, b, a]);
    expect(ids(known.servers)).toEqual(["a", "b", "c"]);
    expect(known.types).toEqual(["gate", "play"]);
    expect([known.byId("b"), known.byIncarnation(98n)]).toEqual([b, b]);
    expect(ids(known.ofType("play"))).toEqual(["a", "b"]);
    await known.update([b]);
    expect([ids(known.servers), known.byId("a"), known.byIncarnation(97n), known.types]).toEqual([
      ["b"],
      undefined,
      undefined,
      ["play"],
    ]);
  });

  test("knows the routes once update() resolves; each schema is asked for once", async () => {
    const { directory: known, asked, changes } = directory();
    await known.update([serverInfo("a", { schema: play.hash }), serverInfo("b", { schema: play.hash }), serverInfo("c")]);
    expect(asked).toEqual([play.hash]);
    expect(ids(known.route(home)?.servers)).toEqual(["a", "b"]);
    expect(known.route("play.play.none")).toBeUndefined();
    const before = changes();
    await known.update([serverInfo("b", { schema: play.hash })]);
    expect(asked).toEqual([play.hash]);
    expect(ids(known.route(home)?.servers)).toEqual(["b"]);
    expect(changes()).toBeGreaterThan(before);
  });

  test("two updates at once ask once, and both wait", async () => {
    const loaded = Promise.withResolvers<Uint8Array>();
    const { directory: known, asked } = directory(() => loaded.promise);
    const server = serverInfo("a", { schema: play.hash });
    const updates = [known.update([server]), known.update([server, serverInfo("b", { schema: play.hash })])];
    expect(known.route(home)).toBeUndefined();
    loaded.resolve(play.gzip);
    await Promise.race(updates);
    expect(ids(known.route(home)?.servers)).toEqual(["a", "b"]);
    await Promise.all(updates);
    expect(asked).toEqual([play.hash]);
  });

  test("ready servers are asked; draining ones only by who is stuck to them; starting ones by nobody", async () => {
    const known = directory().directory;
    const states = ["ready", "draining", "starting"] as const;
    await known.update(states.map((state, at) => serverInfo("abc".charAt(at), { schema: play.hash, state })));
    const route = known.route(home);
    expect([ids(route?.servers), ids(route?.serving)]).toEqual([["a"], ["a", "b"]]);
  });

  test("a server whose schema has a route, but which is not of its type, is not asked", async () => {
    const known = directory().directory;
    await known.update([serverInfo("a", { schema: newer.hash }), serverInfo("b", { schema: newer.hash, types: ["other"] })]);
    expect([ids(known.route(home)?.servers), ids(known.route("other.other.put")?.servers)]).toEqual([["a"], ["b"]]);
  });

  test("only servers whose schema has the route are asked, each by its own policy", async () => {
    const known = directory().directory;
    const [old, now] = [
      serverInfo("a", { schema: play.hash }),
      serverInfo("b", { schema: newer.hash, types: ["play", "other"] }),
    ];
    await known.update([old, now]);
    expect(ids(known.route("other.other.put")?.servers)).toEqual(["b"]);
    expect(known.routeOf(old, "other.other.put")).toBeUndefined();
    expect(known.routeOf(now, "other.other.put")).toMatchObject({ kind: "notify", server: "other" });
    expect(known.routeOf(old, home)).not.toBe(known.routeOf(now, home));
    expect(known.routeOf(serverInfo("c", { schema: "unknown" }), home)).toBeUndefined();
  });

  test("the route of servers that are gone is still one, that nobody answers", async () => {
    const known = directory().directory;
    await known.update([serverInfo("a", { schema: play.hash })]);
    await known.update([]);
    expect(known.route(home)).toMatchObject({ info: { route: home }, servers: [], serving: [] });
  });

  test("clients may call requests and notifies, no pushes and no remotes", async () => {
    const known = directory().directory;
    await known.update([serverInfo("a", { schema: play.hash })]);
    const routes = known.clientRoutes.map(({ route }) => route);
    expect(routes).toContain(home);
    expect(routes).toContain(PlayMethod.keep.route);
    expect(routes).not.toContain("play.play.told");
    expect(routes).not.toContain(WhoMethod.any.route);
    expect(known.route(WhoMethod.any.route)?.info.kind).toBe("remote");
  });

  test("finds the messages of every schema, also where two have the same ones", async () => {
    const known = directory().directory;
    await known.update([serverInfo("a", { schema: play.hash })]);
    await known.update([serverInfo("b", { schema: newer.hash }), serverInfo("c", { schema: shop.hash, types: ["shop"] })]);
    for (const name of ["play.v1.HomeRequest", "play.v1.PutRequest", "game.v1.BuyRequest"]) {
      expect(known.registry.getMessage(name)?.typeName).toBe(name);
    }
  });

  test.each([
    ["is not to be had", () => Promise.resolve(undefined), 0],
    ["cannot be loaded", () => Promise.reject(new Error("away")), 1],
    ["cannot be read", () => Promise.resolve(shop.gzip), 1],
    ["is no gzip", () => Promise.resolve(new Uint8Array(9)), 1],
  ])("a schema that %s holds nobody up, and is asked for again", async (_what, broken, errors) => {
    let well = false;
    const known = directory((hash) =>
      hash === shop.hash || well ? Promise.resolve((hash === shop.hash ? shop : play).gzip) : broken(),
    );
    const servers = [serverInfo("a", { schema: play.hash }), serverInfo("b", { schema: shop.hash, types: ["shop"] })];
    await known.directory.update(servers);
    expect(known.directory.route(home)).toBeUndefined();
    expect(ids(known.directory.route("shop.shop.buy")?.servers)).toEqual(["b"]);
    expect(known.errors).toHaveLength(errors);
    well = true;
    await known.directory.update(servers);
    expect(ids(known.directory.route(home)?.servers)).toEqual(["a"]);
    expect(known.errors).toHaveLength(errors);
  });
});
