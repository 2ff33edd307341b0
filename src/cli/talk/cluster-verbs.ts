import { fromJson, type Message } from "@bufbuild/protobuf";
import type { GenMessage } from "@bufbuild/protobuf/codegenv2";
import { reflectCodec } from "../../client/codegen.ts";
import type { Push } from "../../contract/index.ts";
import { accessOf, type ClusterAccess } from "../cluster/cluster-flags.ts";
import { refusedLine, serverJson, serverLines } from "../cluster/server-lines.ts";
import { CommandError } from "../command.ts";
import type { Desk } from "./desk.ts";
import type { Verb } from "./verb.ts";
import { firstWord, readData } from "./words.ts";

function accessAt(desk: Desk): ClusterAccess {
  if (!desk.cluster) throw new CommandError('which cluster? "cluster ENDPOINTS [TOKEN-FILE [PREFIX]]", or --etcd ENDPOINTS');
  return desk.cluster;
}

function reached(user: string, missed: readonly string[]): void {
  if (missed.length > 0) throw new CommandError(`${user} is not connected`);
}

/** A push of the session at hand, as servers know it. Throws a CommandError. */
function pushAt(desk: Desk, route: string, text: string): { readonly push: Push<Message>; readonly message: Message } {
  const { book } = desk.talk;
  if (!book.known) throw new CommandError("a push needs the schema: the server's reflection, or --schema FOLDER");
  const known = book.find(route);
  if (known?.kind !== "push" || !known.output?.file) throw new CommandError(`there is no push ${route}: "routes" lists them`);
  const schema = known.output as GenMessage<Message>;
  try {
    const message = fromJson(schema, readData(text) ?? {});
    return { push: { kind: "push", route, output: reflectCodec(schema) } as Push<Message>, message };
  } catch (reason) {
    throw new CommandError(`that is no ${schema.typeName}: ${reason instanceof Error ? reason.message : reason}`);
  }
}

/** What reaches the servers, and users by them: with the cluster's token, where it has one. */
export const clusterVerbs: readonly Verb[] = [
  {
    ...{
      name: "cluster",
      usage: "cluster [ENDPOINTS [TOKEN-FILE [PREFIX]]]",
      summary: "shows or sets the cluster that servers, kick and push reach: as etcd://127.0.0.1:2379",
    },
    run(desk, rest) {
      const [etcd, token, prefix = "/nano"] = rest.split(/\s+/).filter((word) => word !== "");
      if (etcd !== undefined) desk.cluster = accessOf({ etcd, prefix, "token-file": token }, "talk");
      else {
        const { endpoints, prefix: named, tokens } = accessAt(desk);
        desk.printer.note(`${endpoints}, prefix ${named}, ${tokens.length > 0 ? "with a token" : "without a token"}`);
      }
    },
  },
  {
    ...{ name: "servers", usage: "servers", summary: "lists the servers of the cluster, as discovery holds them" },
    async run(desk) {
      const access = accessAt(desk);
      // Discovery is read by whoever asks for it.
      const { serversOf } = await import("../cluster/cluster-access.ts");
      const { servers, refused } = await serversOf(access);
      if (desk.printer.options.json) for (const one of servers) desk.printer.object({ server: serverJson(one) });
      else for (const line of serverLines(servers)) desk.printer.note(line);
      if (refused > 0) desk.printer.note(refusedLine(refused));
    },
  },
  {
    ...{ name: "kick", usage: "kick USER [REASON]", summary: "sends a user away, wherever it is, through the cluster" },
    async run(desk, rest) {
      const [user, reason] = firstWord(rest);
      if (user === "") throw new CommandError("kick whom? As: kick ann cheating");
      const access = accessAt(desk);
      const { kickUsers } = await import("../cluster/as-member.ts");
      reached(user, await kickUsers(access, [user], { code: "permission_denied", reason: reason || "sent away" }));
      desk.printer.note(`kicked ${user}`);
    },
  },
  {
    ...{
      name: "push",
      usage: "push USER ROUTE [JSON]",
      summary: "pushes to a user, wherever it is, through the cluster",
    },
    async run(desk, rest) {
      const [user, behind] = firstWord(rest);
      const [route, text] = firstWord(behind);
      if (route === "") throw new CommandError('push what to whom? As: push ann room.room.said {"text": "hi"}');
      const access = accessAt(desk);
      const { push, message } = pushAt(desk, route, text);
      const { pushTo } = await import("../cluster/as-member.ts");
      reached(user, await pushTo(access, [user], push, message));
      desk.printer.note(`pushed to ${user}`);
    },
  },
];
