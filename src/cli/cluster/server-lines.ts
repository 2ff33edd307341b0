import type { ServerInfo } from "../../discovery/index.ts";

/** A server as JSON has it. */
export function serverJson({ incarnation, ...server }: ServerInfo): object {
  return { ...server, incarnation: `${incarnation}` };
}

/** Servers for people, as a table. */
export function serverLines(servers: readonly ServerInfo[]): readonly string[] {
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

/** What is said of records that strangers wrote. */
export function refusedLine(refused: number): string {
  return `${refused} records are not signed by this cluster's token, and nobody believes them`;
}
