import type { Message } from "@bufbuild/protobuf";
import type { Push } from "../../contract/index.ts";
import type { Kick } from "../../error/index.ts";
import { silentLogger } from "../../logger/index.ts";
import { CommandError } from "../command.ts";
import { discoveryOf } from "./cluster-access.ts";
import type { ClusterAccess } from "./cluster-flags.ts";
import { outOfReach } from "./out-of-reach.ts";

type Server = ReturnType<typeof import("../../server/index.ts").createServer>;

/** Sends users away, wherever they are. Gives who is not connected. Rejects with a CommandError. */
export function kickUsers(access: ClusterAccess, users: readonly string[], kick: Kick): Promise<readonly string[]> {
  return asMember(access, async (server) => (await server.users(...users).kick(kick)).missed);
}

/** Pushes to users, wherever they are. Gives who is not connected. Rejects with a CommandError. */
export function pushTo(
  access: ClusterAccess,
  users: readonly string[],
  push: Push<Message>,
  message: Message,
): Promise<readonly string[]> {
  return asMember(access, async (server) => (await server.users(...users).deliver(push, message)).missed);
}

/** Does something as a server of the cluster that holds no clients and answers nothing. Rejects with a CommandError. */
async function asMember<T>(access: ClusterAccess, act: (server: Server) => Promise<T>): Promise<T> {
  // A whole server: only whoever needs one waits for it to be read.
  const { createServer } = await import("../../server/index.ts");
  try {
    const server = createServer({
      ...{ types: ["nano-cli"], log: silentLogger, discovery: discoveryOf(access), cluster: { tokens: access.tokens } },
    });
    await server.start();
    try {
      return await act(server);
    } finally {
      await server.stop({ graceMs: 1_000 });
    }
  } catch (reason) {
    if (reason instanceof CommandError) throw reason;
    if (reason instanceof RangeError || reason instanceof TypeError) throw new CommandError(reason.message);
    throw outOfReach(reason);
  }
}
