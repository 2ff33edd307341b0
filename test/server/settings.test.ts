import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execPath } from "node:process";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { createServer, loadSettings, prometheus, SettingsError, type SettingsSources, tcp, withSettings } from "nano-rpc";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { environmentName, type Setting, settingsIn, settingTree } from "../../src/server/settings/index.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "nano-settings-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const path = (name: string): string => fileURLToPath(new URL(`../../${name}`, import.meta.url));

async function load(sources: SettingsSources = {}): Promise<unknown> {
  return (await loadSettings({ argv: [], env: {}, folder, ...sources })).settings;
}

function file(name: string, text: string): void {
  writeFileSync(join(folder, name), text);
}

/** What each kind may be, as a value and as a text. */
const values: { readonly [K in Setting["kind"]]: (setting: Setting) => fc.Arbitrary<readonly [value: unknown, text: string]> } = {
  text: () => fc.stringMatching(/^[a-z][a-z0-9./:]{0,20}$/).map((value) => [value, value]),
  list: () =>
    fc.array(fc.stringMatching(/^[a-z0-9./:]{1,9}$/), { minLength: 1, maxLength: 4 }).map((value) => [value, value.join(", ")]),
  map: () =>
    fc
      .dictionary(fc.stringMatching(/^[a-z]{1,6}$/), fc.stringMatching(/^[a-z0-9=]{0,6}$/), { minKeys: 1, noNullPrototype: true })
      .map((value) => [
        value,
        Object.entries(value)
          .map((pair) => pair.join("="))
          .join(","),
      ]),
  flag: () => fc.boolean().map((value) => [value, `${value}`]),
  number: (setting) =>
    fc.integer({ min: setting.kind === "number" ? setting.least : 0, max: 1e9 }).map((value) => [value, `${value}`]),
  choice: (setting) => fc.constantFrom(...(setting.kind === "choice" ? setting.of : [])).map((value) => [value, value]),
};
const one = fc
  .constantFrom(...settingsIn(settingTree))
  .chain(([key, setting]) => values[setting.kind](setting).map(([value, text]) => ({ key, setting, value, text })));

function nested(key: string, value: unknown): unknown {
  return key.split(".").reduceRight<unknown>((inner, name) => ({ [name]: inner }), value);
}

test("a setting is the same from a file, the environment and a flag", async () => {
  await fc.assert(
    fc.asyncProperty(one, async ({ key, value, text }) => {
      const expected = nested(key, value);
      file("nano.config.json", JSON.stringify(expected));
      expect(await load()).toEqual(expected);
      file("nano.config.json", "{}");
      expect(await load({ env: { [environmentName(key)]: text, PATH: "/bin" } })).toEqual(expected);
      expect(await load({ argv: [`--${key}=${text}`] })).toEqual(expected);
    }),
    { numRuns: 200 },
  );
});

test("every setting has a name of its own in the environment", () => {
  const names = [...settingsIn(settingTree)].map(([key]) => environmentName(key));
  expect(new Set(names).size).toBe(names.length);
  expect(environmentName("limits.connectionsPerAddress")).toBe("NANO_LIMITS_CONNECTIONS_PER_ADDRESS");
});

test("flags go before the environment, that before the file, and that before the code", async () => {
  file(
    "nano.config.ts",
    "const perFile: number = 3;\nexport default { id: 'file', version: 'file', limits: { inFlight: perFile, fragments: 3 } };\n",
  );
  const { settings } = await loadSettings({
    argv: ["--id", "flag", "--reflection", "--no-dictionary"],
    env: { NANO_ID: "environment", NANO_VERSION: "environment" },
    folder,
  });
  const options = withSettings({ id: "code", graceMs: 7, limits: { inFlight: 1, bytesBurst: 1 } }, settings);
  expect(options).toMatchObject({
    ...{ id: "flag", version: "environment", graceMs: 7, reflection: true, dictionary: false },
    limits: { inFlight: 3, fragments: 3, bytesBurst: 1 },
  });
});

test("--config and NANO_CONFIG name a file, which has to be there", async () => {
  file("other.json", '{ "id": "other" }');
  expect(await load({ argv: ["--config", "other.json"] })).toEqual({ id: "other" });
  expect(await load({ env: { NANO_CONFIG: join(folder, "other.json") } })).toEqual({ id: "other" });
  await expect(load({ argv: ["--config", "none.json"] })).rejects.toThrow(/none.json cannot be read: .*ENOENT/);
});

describe("refused, with the key", () => {
  const cases: readonly (readonly [what: string, sources: SettingsSources & { readonly file?: string }, message: string])[] = [
    [
      "an unknown flag",
      { argv: ["--limits.conections", "1"] },
      "--limits.conections is no setting: did you mean limits.connections?",
    ],
    ["an unknown flag of nothing like it", { argv: ["--xyzzy"] }, "--xyzzy is no setting"],
    ["a flag without its value", { argv: ["--id"] }, "--id needs a value"],
    ["words", { argv: ["start"] }, '"start" is no flag'],
    ["a flag that is no number", { argv: ["--graceMs", "soon"] }, '--graceMs must be a whole number of at least 0, not "soon"'],
    ["an unknown variable", { env: { NANO_TCP_LISTN: "x" } }, "NANO_TCP_LISTN is no setting: did you mean NANO_TCP_LISTEN?"],
    ["a variable out of its range", { env: { NANO_WORKERS: "0" } }, 'NANO_WORKERS must be a whole number of at least 1, not "0"'],
    ["an empty number", { env: { NANO_WORKERS: " " } }, 'NANO_WORKERS must be a whole number of at least 1, not " "'],
    ["a switch that is neither", { env: { NANO_REFLECTION: "yes" } }, 'NANO_REFLECTION must be true or false, not "yes"'],
    ["a choice that is none", { env: { NANO_USERS_SESSIONS: "two" } }, 'NANO_USERS_SESSIONS must be one of one, any, not "two"'],
    [
      "pairs that are none",
      { env: { NANO_METADATA: "region" } },
      'NANO_METADATA must be NAME=VALUE, with commas between, not "region"',
    ],
    [
      "an unknown key",
      { file: '{ "limits": { "connection": 1 } }' },
      "nano.config.json: limits.connection is no setting: did you mean limits.connections?",
    ],
    [
      "a value of another kind",
      { file: '{ "limits": { "connections": "1" } }' },
      'nano.config.json: limits.connections must be a whole number of at least 1, not "1"',
    ],
    ["a group that is none", { file: '{ "limits": 5 }' }, "nano.config.json: limits must hold settings by their names"],
    [
      "a name of every object",
      { file: '{ "limits": { "constructor": 5 } }' },
      "nano.config.json: limits.constructor is no setting",
    ],
    ["no object", { file: "[]" }, "nano.config.json: it must hold settings by their names"],
    ["no JSON", { file: "{" }, "nano.config.json cannot be read: "],
  ];
  test.each(cases)("%s", async (_what, { file: text, ...sources }, message) => {
    if (text !== undefined) file("nano.config.json", text);
    const refused = await load(sources).catch((reason: unknown) => reason);
    expect(refused).toBeInstanceOf(SettingsError);
    expect((refused as Error).message).toContain(message);
  });

  test.each([
    ["tcp.listen", { tcp: { listen: "3250" } }],
    ["cluster.tokenFile", { cluster: { tokenFile: "/nowhere/at/all" } }],
    ["etcd.tls.caFile", { etcd: { endpoints: ["127.0.0.1:2379"], tls: { certFile: "package.json" } } }],
  ] as const)("%s", (key, settings) => {
    expect(() => withSettings({}, settings)).toThrow(expect.objectContaining({ name: "SettingsError", key }));
  });
});

test("what is set takes the place of what has its name in the code, and leaves the rest", () => {
  const mine = { name: "mine", start: async () => "", pause: () => {}, resume: () => {}, stop: async () => {} };
  file("tokens", `${"a".repeat(32)}\n\n${"b".repeat(32)}\n`);
  const options = withSettings(
    { acceptors: [tcp({ port: 1 }), mine], reporters: [prometheus()], compression: { leastBytes: 9 } },
    {
      tcp: { listen: "127.0.0.1:0" },
      ws: { listen: "[::1]:0", origins: ["any"] },
      statsd: { host: "127.0.0.1" },
      prometheus: true,
      cluster: { tokenFile: join(folder, "tokens") },
      etcd: { endpoints: ["127.0.0.1:2379"], prefix: "/here" },
      compression: { on: true },
    },
  );
  expect(options.acceptors?.map(({ name }) => name)).toEqual(["mine", "tcp", "ws"]);
  expect(options.reporters?.map(({ name }) => name)).toEqual(["prometheus", "statsd"]);
  expect(options.cluster?.tokens).toEqual(["a".repeat(32), "b".repeat(32)]);
  expect(options.discovery?.name).toBe("etcd");
  expect(options.compression).toEqual({ leastBytes: 9 });
  expect(withSettings({ compression: {} }, { compression: { on: false } }).compression).toBe(false);
  expect(() => createServer(options)).not.toThrow();
});

describe("a process", () => {
  function run(
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): readonly [code: number | null, told: string] {
    const { status, stderr, stdout } = spawnSync(execPath, ["--conditions=nano-source", path("test/server/served.ts"), ...args], {
      ...{ cwd: folder, encoding: "utf8", timeout: 20_000 },
      env: { PATH: process.env["PATH"] ?? "", ...env },
    });
    return [status, stderr + stdout];
  }

  test("ends with 2 and the key where a setting makes no sense", () => {
    expect(run(["--limits.conections", "1"])).toEqual([
      2,
      "--limits.conections is no setting: did you mean limits.connections?\n",
    ]);
    expect(run([], { NANO_HTTP_PORT: "1" })).toEqual([2, expect.stringContaining("NANO_HTTP_PORT is no setting")]);
    file("nano.config.js", "export default { limits: { heartbeatMs: 1_500 } };");
    expect(run([])).toEqual([2, "limits.heartbeatMs must be whole seconds\n"]);
  });

  test("ends with 2 where it would be open to strangers, and with 1 where it does not start", () => {
    const [code, told] = run(["--cluster.listen", "0.0.0.0:0", "--etcd.endpoints", "127.0.0.1:1", "--logLevel", "debug"]);
    expect([code, told]).toEqual([2, expect.stringContaining("cluster.tokens")]);
    expect(run(["--tcp.listen", "192.0.2.1:3250"])).toEqual([1, expect.stringContaining("EADDRNOTAVAIL")]);
    expect(run(["--workers", "2", "--tcp.listen", "127.0.0.1:0"])).toEqual([
      2,
      "tcp.listen must name a port: workers share it\n",
    ]);
  });

  test("says what there is", () => {
    const [code, told] = run(["--help"]);
    expect(code).toBe(0);
    for (const [key] of settingsIn(settingTree)) expect(told).toContain(`--${key}`);
  });
});

test("the page of all settings is what their tree makes of it", () => {
  const printed = join(folder, "configuration.md");
  const made = spawnSync(execPath, ["--conditions=nano-source", path("scripts/configuration.ts"), printed], { encoding: "utf8" });
  expect([made.status, made.stderr]).toEqual([0, ""]);
  expect(readFileSync(path("docs/reference/configuration.md"), "utf8")).toBe(readFileSync(printed, "utf8"));
});
