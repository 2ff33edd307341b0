import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startChild } from "./child.ts";
import { freePort } from "./port.ts";

/** One series of an answer. */
interface Answered {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [number, string];
}

/** A real Prometheus (Debian's). */
export interface Prometheus {
  /** What a query finds; undefined while nobody answers. Throws what Prometheus has against it. */
  ask(query: string): Promise<readonly Answered[] | undefined>;
  /** The names of all series that it knows. */
  names(): Promise<ReadonlySet<string>>;
}

/** Starts one that finds its targets by an HTTP discovery, and scrapes them four times a second. */
export async function startPrometheus(
  sd: string,
  cleanups: (() => unknown)[],
  rules: readonly string[] = [],
): Promise<Prometheus> {
  const folder = await mkdtemp(join(tmpdir(), "nano-prometheus-"));
  cleanups.push(() => rm(folder, { recursive: true, force: true }));
  const config = join(folder, "prometheus.yml");
  const job = { job_name: "nano", http_sd_configs: [{ url: sd, refresh_interval: "1s" }] };
  await writeFile(
    config,
    // JSON is YAML.
    JSON.stringify({ global: { scrape_interval: "250ms", evaluation_interval: "1s" }, rule_files: rules, scrape_configs: [job] }),
  );
  const port = await freePort();
  const child = startChild("prometheus", [
    ...[`--config.file=${config}`, `--storage.tsdb.path=${join(folder, "data")}`, `--web.listen-address=127.0.0.1:${port}`],
  ]);
  cleanups.push(() => child.end("SIGKILL"));

  async function get(path: string): Promise<unknown> {
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1/${path}`).catch(() => undefined);
    if (answer?.status === 400) throw new Error(await answer.text());
    if (answer?.status !== 200) return undefined;
    return ((await answer.json()) as { readonly data: unknown }).data;
  }

  return {
    async ask(query) {
      const data = (await get(`query?query=${encodeURIComponent(query)}`)) as
        | { readonly result: readonly Answered[] }
        | undefined;
      return data?.result;
    },
    names: async () => new Set((await get("label/__name__/values")) as readonly string[]),
  };
}
