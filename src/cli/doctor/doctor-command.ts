import { accessOf, clusterHelp, clusterOptions, readFlags } from "../cluster/cluster-flags.ts";
import { type Command, CommandError } from "../command.ts";
import { lookAtCluster } from "./cluster.ts";
import type { Finding } from "./finding.ts";
import { lookAtFiles, lookAtNode, lookAtPort } from "./machine.ts";

const help = `Usage: nano-cli doctor [OPTIONS]

Looks whether this machine can run servers, and says what is wrong and what to do: Node, open files,
ports, etcd, the clock, and whether the servers of the cluster can be reached from here. Ends with 1
where something is wrong.

  --port [HOST:]PORT where a server is to listen; again for more
${clusterHelp}`;

const signs: Readonly<Record<Finding["state"], string>> = { well: "ok     ", warning: "warning", wrong: "WRONG  " };

/** `nano-cli doctor`. */
export const doctorCommand: Command = {
  name: "doctor",
  help,
  async run(args, { print }) {
    const options = { ...clusterOptions, port: { type: "string", multiple: true } } as const;
    const { values, positionals } = readFlags(args, options, "doctor");
    if (positionals.length > 0) throw new CommandError(`it takes no ${positionals.join(" ")} (see nano-cli doctor --help)`);
    const places = (values.port ?? []).map(placeOf);
    const findings = [
      lookAtNode(process.versions.node),
      ...lookAtFiles(),
      ...(await Promise.all(places.map(({ host, port }) => lookAtPort(host, port)))),
      ...(values.etcd === undefined ? [] : await lookAtCluster(accessOf(values, "doctor"))),
    ];
    for (const { what, state, seen, remedy } of findings) {
      print(`${signs[state]}  ${what}: ${seen}`);
      if (remedy !== undefined) print(`         ${remedy}`);
    }
    return findings.some(({ state }) => state === "wrong") ? 1 : 0;
  },
};

function placeOf(text: string): { readonly host: string; readonly port: number } {
  const [, host = "127.0.0.1", port] = /^(?:(.+):)?(\d{1,5})$/.exec(text) ?? [];
  if (port === undefined || Number(port) > 65_535) throw new CommandError(`--port is [HOST:]PORT, not "${text}"`);
  return { host: host.replace(/^\[(.*)\]$/, "$1"), port: Number(port) };
}
