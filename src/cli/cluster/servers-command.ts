import type { Command } from "../command.ts";
import { serversOf } from "./cluster-access.ts";
import { accessOf, clusterHelp, clusterOptions, readFlags } from "./cluster-flags.ts";
import { refusedLine, serverJson, serverLines } from "./server-lines.ts";

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
    for (const line of values.json ? servers.map((one) => JSON.stringify(serverJson(one))) : serverLines(servers)) print(line);
    if (refused > 0 && !values.json) print(refusedLine(refused));
    return 0;
  },
};
