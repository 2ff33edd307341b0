import type { Message } from "@bufbuild/protobuf";
import { fromJson, type JsonValue } from "@bufbuild/protobuf";
import type { Push } from "../../contract/index.ts";
import { type Command, CommandError } from "../command.ts";
import { importModule } from "../import-module.ts";
import { kickUsers, pushTo } from "./as-member.ts";
import { accessOf, clusterHelp, clusterOptions, readFlags } from "./cluster-flags.ts";

const kickHelp = `Usage: nano-cli kick USER... --etcd ENDPOINTS [OPTIONS]

Sends users away, wherever they are, by the frontends that hold them. It joins the cluster as a
server for as long as that takes. Ends with 1 where one of them is not connected.

  --code CODE        what their clients are told (default: permission_denied)
  --reason TEXT      words for a person (default: "sent away")
${clusterHelp}`;

/** `nano-cli kick`. */
export const kickCommand: Command = {
  name: "kick",
  help: kickHelp,
  async run(args, { print }) {
    const options = {
      ...clusterOptions,
      code: { type: "string", default: "permission_denied" },
      reason: { type: "string" },
    } as const;
    const { values, positionals: users } = readFlags(args, options, "kick");
    if (users.length === 0) throw new CommandError("USER is missing (see nano-cli kick --help)");
    const { code, reason = "sent away" } = values;
    const missed = await kickUsers(accessOf(values, "kick"), users, { code, reason });
    return told(users, missed, "kicked", print);
  },
};

const pushHelp = `Usage: nano-cli push ROUTE JSON MODULE --to USER --etcd ENDPOINTS [OPTIONS]

Pushes to users, wherever they are. MODULE is what protoc-gen-nano has printed, as
gen/chat/v1/chat_nano.ts: the push of ROUTE is in it. It joins the cluster as a server for as long
as that takes. Ends with 1 where one of them is not connected.

  --to USER          who; again for more
${clusterHelp}`;

/** `nano-cli push`. */
export const pushCommand: Command = {
  name: "push",
  help: pushHelp,
  async run(args, { print }) {
    const options = { ...clusterOptions, to: { type: "string", multiple: true } } as const;
    const { values, positionals } = readFlags(args, options, "push");
    const [route, text, module, ...more] = positionals;
    const { to: users = [] } = values;
    if (route === undefined || text === undefined || module === undefined || more.length > 0) {
      throw new CommandError("it wants ROUTE JSON MODULE (see nano-cli push --help)");
    }
    if (users.length === 0) throw new CommandError("--to USER is missing (see nano-cli push --help)");
    const push = await pushIn(module, route);
    const message = messageOf(push, text);
    const missed = await pushTo(accessOf(values, "push"), users, push, message);
    return told(users, missed, "pushed to", print);
  },
};

function told(users: readonly string[], missed: readonly string[], what: string, print: (line: string) => void): number {
  for (const user of users) print(missed.includes(user) ? `${user} is not connected` : `${what} ${user}`);
  return missed.length === 0 ? 0 : 1;
}

async function pushIn(path: string, route: string): Promise<Push<Message>> {
  const found: string[] = [];
  for (const exported of Object.values(await importModule(path))) {
    if (typeof exported !== "object" || exported === null) continue;
    for (const push of Object.values(exported) as readonly Partial<Push<Message>>[]) {
      if (typeof push !== "object" || push === null || push.kind !== "push" || push.route === undefined) continue;
      if (push.route === route) return push as Push<Message>;
      found.push(push.route);
    }
  }
  throw new CommandError(`${path} has no push ${route}${found.length > 0 ? `: it has ${found.join(", ")}` : ""}`);
}

function messageOf({ output }: Push<Message>, text: string): Message {
  try {
    const data: JsonValue = JSON.parse(text);
    return fromJson(output.schema, data);
  } catch (reason) {
    throw new CommandError(`that is no ${output.schema.typeName}: ${reason instanceof Error ? reason.message : reason}`);
  }
}
