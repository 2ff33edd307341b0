import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parse, parseAllDocuments } from "yaml";

/** A file of the repository. */
export const path = (name: string): string => fileURLToPath(new URL(`../../${name}`, import.meta.url));

/** How one server is started: what is run, and what it is told. */
export interface Started {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** A manifest of Kubernetes, as far as these tests look into it. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly selector: { readonly matchLabels?: Labels } & Labels;
    readonly podSelector?: { readonly matchLabels: Labels };
    readonly template: { readonly metadata: { readonly labels: Labels }; readonly spec: Pod };
    readonly ports?: readonly { readonly targetPort: string }[];
  };
}

type Labels = Readonly<Record<string, string>>;

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string };
}

interface Pod {
  readonly enableServiceLinks: boolean;
  readonly terminationGracePeriodSeconds: number;
  readonly containers: readonly [Container];
}

interface Container {
  readonly command: readonly string[];
  readonly env: readonly {
    readonly name: string;
    readonly value?: string;
    readonly valueFrom?: { readonly fieldRef: { readonly fieldPath: string } };
  }[];
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  readonly startupProbe: Probe;
  readonly livenessProbe: Probe;
  readonly readinessProbe: Probe;
  readonly lifecycle: { readonly preStop: { readonly exec: { readonly command: readonly string[] } } };
}

const folder = path("examples/deploy/kubernetes");

/** Everything for Kubernetes. */
export const manifests: readonly Manifest[] = readdirSync(folder)
  .filter((name) => name.endsWith(".yaml"))
  .flatMap((name) => parseAllDocuments(readFileSync(`${folder}/${name}`, "utf8")).map((document) => document.toJS() as Manifest));

export const deployments = manifests.filter(({ kind }) => kind === "Deployment");

/** What Kubernetes makes of a deployment: variables of fields filled in, and names in brackets replaced. */
export function startedByKubernetes({ metadata, spec }: Manifest): Started {
  const [container] = spec.template.spec.containers;
  const fields: Labels = { "metadata.name": `${metadata.name}-0`, "status.podIP": "127.0.0.1" };
  const env: Record<string, string> = {};
  for (const { name, value, valueFrom } of container.env) {
    const plain = value ?? fields[valueFrom?.fieldRef.fieldPath ?? ""] ?? "";
    env[name] = plain.replaceAll(/\$\((\w+)\)/g, (_, other: string) => env[other] ?? "");
  }
  return { command: container.command, env };
}

interface Composed {
  readonly services: Readonly<
    Record<
      string,
      { readonly image?: string; readonly command: readonly string[]; readonly environment?: Readonly<Record<string, string>> }
    >
  >;
}

/** What docker compose would start. */
export const composed = parse(readFileSync(path("examples/deploy/compose/compose.yaml"), "utf8"), { merge: true }) as Composed;

/** The servers of nano among it, run as the image does. */
export function startedByCompose(name: string): Started {
  const { command, environment } = composed.services[name] ?? { command: [] };
  const env = Object.fromEntries(
    Object.entries(environment ?? {}).map(([key, value]) => [key, value.replaceAll(`${name}:`, "127.0.0.1:")]),
  );
  return { command: [...entrypoint, ...command], env };
}

/** The lines of the image that say something. */
export const dockerfile = readFileSync(path("examples/deploy/Dockerfile"), "utf8")
  .split("\n")
  .filter((line) => line !== "" && !line.startsWith("#"));

const entrypoint = JSON.parse(dockerfile.find((line) => line.startsWith("ENTRYPOINT "))?.slice(11) ?? "[]") as readonly string[];
