import type { DescMessage, Message, MessageShape } from "@bufbuild/protobuf";
import type { CloseReason } from "../error/index.ts";
import { patchedNames } from "./data-patch.ts";
import type { BoundSession, Session } from "./session.ts";
import type { SessionCore } from "./session-core.ts";
import { type MustLive, SessionView } from "./session-view.ts";

/** What happens to the sessions that this server serves. An error is logged and goes no further. */
export interface SessionHooks<D extends Message = Message> {
  onOpen?(session: Session<D>): void;
  onBind?(session: BoundSession<D>): void;
  onPatch?(session: Session<D>, fields: readonly string[]): void;
  onPause?(session: Session<D>): void;
  onResume?(session: Session<D>): void;
  onClose?(session: Session<D>, reason: CloseReason): void | Promise<void>;
}

/** Hooks of a server, whatever the type of the data they look at. */
export interface ServerSessionHooks {
  /** Begins to hear one session. @param pushing Hears what the hooks push, and says where that stands in a trace. */
  attach(core: SessionCore, pushing?: MustLive): void;
}

/** Hooks with the type of the session's data, for `createServer({ sessions })`. */
export function sessionHooks<S extends DescMessage>(data: S, hooks: SessionHooks<MessageShape<S>>): ServerSessionHooks {
  return {
    attach(core, pushing) {
      const view: Session<MessageShape<S>> = new SessionView(core, data, pushing);
      core.listen({
        // It is called when the session has a user.
        bound: () => hooks.onBind?.(view as BoundSession<MessageShape<S>>),
        patched: (patch) => {
          if (patch.type === data.typeName) hooks.onPatch?.(view, patchedNames(data, patch));
        },
        paused: () => hooks.onPause?.(view),
        resumed: () => hooks.onResume?.(view),
        closed: (reason) => hooks.onClose?.(view, reason),
      });
      core.tell(() => hooks.onOpen?.(view));
    },
  };
}
