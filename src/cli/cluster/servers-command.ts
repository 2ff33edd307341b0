import type { ServerInfo } from "../../discovery/index.ts";
import type { Command } from "../command.ts";
import { accessOf, clusterHelp, clusterOptions, readFlags, serversOf } from "./cluster-access.ts";

const help = `Usage: nano-cli servers --etcd ENDPOINTS [OPTIONS]

Lists the servers of a cluster, as discovery holds them: id, types, state, whether they hold
clients, where their cluster port is, version, metadata. Looks on, and writes nothing.

${clusterHelp}
  --json             an object a line, for machines`;

/** `nano-cli servers`. */
export const serversCommand: Command = {
  name: "servers",
  help,
  async run(args, { print }) {
    const { values } = readFlags(args, { ...clusterOptions, json: { type: "boolean", default: false } }, "servers");
    const { servers, refused } = await serversOf(accessOf(values, "servers"));
    for (const line of values.json ? servers.map(asJson) : table(servers)) print(line);
    if (refused > 0 && !values.json) print(`${refused} records are not signed by this cluster's token, and nobody believes them`);
    return 0;
  },
};

function asJson({ incarnation, ...server }: ServerInfo): string {
  return JSON.stringify({ ...server, incarnation: `${incarnation}` });
}

function table(servers: readonly ServerInfo[]): readonly string[] {
  if (servers.length === 0) return ["there are no servers: another --prefix, or a --token-file?"];
  const rows = servers.map(({ id, types, state, frontend, addresses, version, metadata }) => [
    ...[id, types.join(","), state, frontend ? "frontend" : "backend", addresses.join(",") || "-", version || "-"],
    Object.entries(metadata)
      .map(([name, value]) => `${name}=${value}`)
      .join(" ") || "-",
  ]);
  const all = [["id", "types", "state", "clients", "address", "version", "metadata"], ...rows];
  const widths = (all[0] ?? []).map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}
