import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import {
  BindSchema,
  CallSchema,
  ClaimSchema,
  ForwardSchema,
  GroupChangeSchema,
  Handover_Step,
  HandoverSchema,
  KickSchema,
  OpenSchema,
  PushSchema,
  RelaySchema,
  type SessionContextSchema,
  SessionKeySchema,
  SessionTargetSchema,
  WriteSchema,
} from "../../gen/nano/cluster/v1/link_pb.ts";
import {
  AddToGroupRequestSchema,
  BindRequestSchema,
  KickRequestSchema,
  PatchRequestSchema,
  PushRequestSchema,
} from "../../gen/nano/cluster/v1/session_pb.ts";
import type { FrameInit } from "../link/raw-link.ts";
import { KeepRequestSchema, PlaySessionSchema, ToldResponseSchema } from "../schema/gen/play/v1/play_pb.ts";

const envelope = { remainingMs: 5_000 };
const told = toBinary(ToldResponseSchema, create(ToldResponseSchema, { text: "from a stranger" }));

/** A call of a remote. */
export function remoteCall(call: bigint, number = 1n): FrameInit {
  return { number, body: { case: "call", value: create(CallSchema, { call, route: "play.who.any", envelope }) } };
}

/** Which session a client's message is of, and how it is sent. */
interface Forwarding {
  readonly handle?: number;
  readonly remainingMs?: number;
  readonly number?: bigint;
  readonly route?: string;
  readonly body?: Uint8Array;
}

const kept = toBinary(KeepRequestSchema, create(KeepRequestSchema, { number: 666 }));

/** Opens a session at a backend, and sends it a client's message. */
export function forwarded(
  call: bigint,
  context: MessageInitShape<typeof SessionContextSchema>,
  { handle = 1, remainingMs = 5_000, number = 1n, route = "play.play.keep", body = kept }: Forwarding = {},
): readonly FrameInit[] {
  const open = create(OpenSchema, { handle, version: 1n, context });
  const forward = create(ForwardSchema, { call, handle, route, body, version: 1n, envelope: { remainingMs } });
  return [{ body: { case: "open", value: open } }, { number, body: { case: "forward", value: forward } }];
}

/** A push to users. */
export function userPush(call: bigint, ...users: string[]): FrameInit {
  const push = create(PushSchema, { call, route: "play.play.told", body: told, target: { case: "users", value: { users } } });
  return { number: 1n, body: { case: "push", value: push } };
}

/** A kick of a user. */
export function userKick(call: bigint, user: string): FrameInit {
  return {
    body: { case: "kick", value: create(KickSchema, { call, session: { by: { case: "user", value: user } }, code: "stranger" }) },
  };
}

/** A session by what gives the right to it. */
export interface Key {
  readonly session: Uint8Array;
  readonly capability: Uint8Array;
}

/** Everything that can be done to a session by its key, one after the other: `at` says which. A push is still to be numbered. */
export function act(at: number, call: bigint, { session, capability }: Key): FrameInit {
  const key = create(SessionKeySchema, { session, capability });
  const target = create(SessionTargetSchema, { by: { case: "key", value: key } });
  switch (at % 5) {
    case 0: {
      const push = { call, route: "play.play.told", body: told, target: { case: "session", value: key } } as const;
      return { body: { case: "push", value: create(PushSchema, push) } };
    }
    case 1:
      return { body: { case: "kick", value: create(KickSchema, { call, session: target, code: "stranger" }) } };
    case 2:
      return { body: { case: "bind", value: create(BindSchema, { call, session: target, user: "stranger", roles: ["admin"] }) } };
    case 3:
      return { body: { case: "write", value: create(WriteSchema, { call, session: target, patch }) } };
    default:
      return { body: { case: "groupChange", value: create(GroupChangeSchema, { call, session: target, group }) } };
  }
}

const patch = {
  type: PlaySessionSchema.typeName,
  fields: toBinary(PlaySessionSchema, create(PlaySessionSchema, { note: "of a stranger" })),
};
const group = { type: "play", name: "of strangers" };

/** What only frontends ask of one another, one after the other: for the client of a ticket, and for a user. */
export function frontendAct(at: number, call: bigint, ticket: string, user: string): FrameInit {
  switch (at % 5) {
    case 0:
      return { body: { case: "relay", value: create(RelaySchema, { call, relay: call, ticket, remoteAddress: "10.0.0.1" }) } };
    case 1:
      return { body: { case: "handover", value: create(HandoverSchema, { call, ticket, step: Handover_Step.BEGIN }) } };
    case 2:
      return { body: { case: "handover", value: create(HandoverSchema, { call, ticket, step: Handover_Step.TAKE }) } };
    case 3:
      return { body: { case: "handover", value: create(HandoverSchema, { call, ticket, step: Handover_Step.DONE }) } };
    default: {
      const claim = { call, user, session: new Uint8Array(16).fill(1), boundMs: 8_640_000_000_000_000n };
      return { body: { case: "claim", value: create(ClaimSchema, claim) } };
    }
  }
}

/** The same as a plain call of a frontend. */
export function plainAct(at: number, { session, capability }: Key): { readonly path: string; readonly body: Uint8Array } {
  const key = create(SessionKeySchema, { session, capability });
  const asked = (name: string, body: Uint8Array) => ({ path: `/nano.cluster.v1.SessionService/${name}`, body });
  switch (at % 5) {
    case 0: {
      const push = { session: key, route: "play.play.told", body: told };
      return asked("Push", toBinary(PushRequestSchema, create(PushRequestSchema, push)));
    }
    case 1:
      return asked("Kick", toBinary(KickRequestSchema, create(KickRequestSchema, { session: key, code: "stranger" })));
    case 2: {
      const bind = { session: key, user: "stranger", roles: ["admin"] };
      return asked("Bind", toBinary(BindRequestSchema, create(BindRequestSchema, bind)));
    }
    case 3:
      return asked("Patch", toBinary(PatchRequestSchema, create(PatchRequestSchema, { session: key, patch })));
    default:
      return asked("AddToGroup", toBinary(AddToGroupRequestSchema, create(AddToGroupRequestSchema, { session: key, group })));
  }
}
