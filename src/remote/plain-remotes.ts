import type { ConnectRouter } from "@connectrpc/connect";
import { ByteWriter } from "../contract/index.ts";
import { answerPlainly, plainDeadlineMs, servePlainly } from "../pipeline/index.ts";
import type { Remotes } from "./remotes.ts";

/** Serves the remotes as ordinary unary methods. @param now On the server's clock. */
export function createPlainRemotes({
  remotes,
  now,
}: {
  readonly remotes: Remotes;
  readonly now: () => number;
}): (router: ConnectRouter) => void {
  const writer = new ByteWriter(1_024);
  return (router) =>
    servePlainly(router, remotes.routes.values(), (entry) => (request, context) => {
      const caller = { id: context.requestHeader.get("nano-caller") ?? "", types: [] };
      const how = { deadlineMs: plainDeadlineMs(entry, context, now()), writer };
      return answerPlainly(entry, request, context, how, (body, info, outlet) =>
        remotes.dispatch(entry.method.route, body, caller, info, outlet),
      );
    });
}
