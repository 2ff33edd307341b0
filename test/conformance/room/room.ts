import { create, type DescMessage, fromBinary, type MessageInitShape, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { status } from "@grpc/grpc-js";
import {
  ChatSessionSchema,
  JoinedResponseSchema,
  type JoinRequest,
  JoinRequestSchema,
  JoinResponseSchema,
  LeftResponseSchema,
  SaidResponseSchema,
  SayRequestSchema,
  StatsRequestSchema,
  StatsResponseSchema,
} from "../../../examples/chat/gen/chat/v1/chat_pb.ts";
import { type SessionContext, SessionContextSchema } from "../../../gen/nano/cluster/v1/link_pb.ts";
import { BoundRequestSchema, ClosedRequestSchema, SessionService } from "../../../gen/nano/cluster/v1/session_pb.ts";
import { Deaths, type Holder } from "./deaths.ts";
import { Frontends } from "./frontends.ts";
import { Member, type RoomOptions } from "./member.ts";
import { type Incoming, Port, Refusal, type Served } from "./port.ts";

/** A room that keeps the protocol with grpc-js and etcd3 alone, but for the one fault that it is given. */
export interface Room {
  /** Leaves in good order. */
  leave(): Promise<void>;
  /** Is gone from one moment to the other. */
  drop(): Promise<void>;
}

interface Place {
  readonly room: string;
  readonly name: string;
  readonly holder: Holder;
}

const empty = new Uint8Array(0);
const noticeMs = 700;

export async function startRoom(options: RoomOptions): Promise<Room> {
  const { tokens, fault } = options;
  const rooms = new Map<string, Map<string, string>>();
  const places = new Map<string, Place>();
  let latest: SessionContext | undefined;

  const port = new Port(tokens, fault);
  port.serve(served());
  const member = new Member(options, await port.listen());
  const frontends = new Frontends(member, tokens[0], fault);
  const deaths = new Deaths(fault);
  await member.join(() => {
    for (const [id, { holder }] of [...places]) if (deaths.isOver(holder, member.frontends)) void end(id);
  });

  const group = (room: string) => ({ type: "room", name: `room/${room}` });

  function enter(id: string, place: Place): void {
    const names = rooms.get(place.room) ?? new Map<string, string>();
    rooms.set(place.room, names.set(place.name, id));
    places.set(id, place);
  }

  function leaves(id: string): Place | undefined {
    const place = places.get(id);
    places.delete(id);
    const names = place && rooms.get(place.room);
    if (names?.delete(place?.name ?? "") && names.size === 0) rooms.delete(place?.room ?? "");
    return place;
  }

  async function join({ room, name }: JoinRequest, given: SessionContext, { deadline }: Incoming): Promise<Uint8Array> {
    for (const text of [room, name]) {
      if (text === "" || [...text].length > 32) throw new Refusal(status.INVALID_ARGUMENT, "1 to 32 characters");
    }
    latest = given;
    const holder = rooms.get(room)?.get(name);
    const id = hex(given.session);
    if (holder !== undefined && holder !== id) {
      const wrong = fault === "calls a taken name a failed precondition";
      throw new Refusal(wrong ? status.FAILED_PRECONDITION : status.ALREADY_EXISTS, `${name} is there`);
    }
    if (holder === undefined) {
      const place = { room, name, holder: given };
      enter(id, place);
      try {
        await announce(place, given, deadline);
      } catch (reason) {
        if (fault !== "keeps what was refused") leaves(id);
        throw reason;
      }
    }
    const of = fault === "mixes sessions up" ? (places.get(hex(latest.session))?.room ?? "") : room;
    const members = [...(rooms.get(of)?.keys() ?? [])];
    return bytes(JoinResponseSchema, { members: fault === "does not say who has come" ? members.slice(0, -1) : members });
  }

  async function announce({ room, name }: Place, given: SessionContext, deadline: Date | number): Promise<void> {
    const session = { session: given.session, capability: given.capability };
    const user = fault === "binds to another user" ? name : `${room}/${name}`;
    const { bind, patch, addToGroup } = SessionService.method;
    const bound = frontends.ask(bind, given, { session, user }, deadline);
    bound.catch(() => {});
    if (fault !== "does not wait for Bind") await bound;
    const fields = bytes(ChatSessionSchema, { room });
    if (fault !== "does not patch") {
      await frontends.ask(patch, given, { session, patch: { type: ChatSessionSchema.typeName, fields } }, deadline);
    }
    await frontends.tell(group(room), "room.room.joined", bytes(JoinedResponseSchema, { name }), given);
    await frontends.ask(addToGroup, given, { session, group: group(room) }, deadline);
  }

  async function say(text: string, given: SessionContext): Promise<Uint8Array> {
    const data = given.data[ChatSessionSchema.typeName] ?? empty;
    const known = places.get(hex(given.session));
    const room = fault === "remembers instead of reading" ? (known?.room ?? "") : fromBinary(ChatSessionSchema, data).room;
    const name = given.user.slice(room.length + 1);
    const route = fault === "pushes under another route" ? "room.room.say" : "room.room.said";
    const pushing = frontends.tell(group(room), route, bytes(SaidResponseSchema, { name, text }), given);
    if (fault !== "does not wait for pushes" && fault !== "pushes when it likes") await pushing;
    return fault === "answers a notify with something" ? bytes(SayRequestSchema, { text }) : empty;
  }

  /** Whose a session is, the next message says. */
  function bound(id: string): Uint8Array {
    if (!places.has(id) && fault === "refuses users of strangers") throw new Refusal(status.NOT_FOUND, "no such session");
    return empty;
  }

  async function closed(id: string): Promise<Uint8Array> {
    if (fault === "does not hear of the end") return empty;
    if (!(await end(id)) && fault === "refuses ends of strangers") throw new Refusal(status.NOT_FOUND, "no such session");
    return empty;
  }

  /** Whether there was such a session. */
  async function end(id: string): Promise<boolean> {
    const place = leaves(id);
    if (place) {
      const left = bytes(LeftResponseSchema, { name: place.name });
      await frontends.tell(group(place.room), "room.room.left", left, undefined);
    }
    return place !== undefined;
  }

  function sessionOf({ metadata }: Incoming): SessionContext {
    const [header = Buffer.alloc(0)] = metadata.get("nano-session-bin") as Buffer[];
    if (fault === "reads traceparent too closely" && /garbage/.test(String(metadata.get("traceparent")))) {
      throw new Refusal(status.INVALID_ARGUMENT, "no traceparent");
    }
    try {
      if (header.length > 4_096 && fault !== "takes large sessions") throw new RangeError("too large");
      if (header.length === 0 && fault !== "needs no session") throw new RangeError("none");
      return fromBinary(SessionContextSchema, header);
    } catch {
      if (fault === "takes any session") return create(SessionContextSchema);
      throw new Refusal(status.INVALID_ARGUMENT, "no session");
    }
  }

  function read<D extends DescMessage>(schema: D, body: Uint8Array): MessageShape<D> {
    try {
      return fromBinary(schema, body);
    } catch {
      const wrong = fault === "calls malformed bodies internal errors";
      throw new Refusal(wrong ? status.INTERNAL : status.INVALID_ARGUMENT, "malformed");
    }
  }

  function served(): readonly Served[] {
    const stats = (): Uint8Array =>
      bytes(StatsResponseSchema, { rooms: [...rooms].map(([room, { size }]) => ({ room, members: size })) });
    const methods: Served[] = [
      {
        path: "chat.v1.RoomService/Join",
        answer: (body, incoming) => join(read(JoinRequestSchema, body), sessionOf(incoming), incoming),
      },
      {
        path: "chat.v1.RoomService/Say",
        notify: true,
        answer: (body, incoming) => say(read(SayRequestSchema, body).text, sessionOf(incoming)),
      },
      {
        path: "nano.cluster.v1.SessionEventsService/Bound",
        answer: (body) => bound(hex(read(BoundRequestSchema, body).session)),
      },
      {
        path: "nano.cluster.v1.SessionEventsService/Closed",
        answer: (body) => closed(hex(read(ClosedRequestSchema, body).session)),
      },
    ];
    if (fault !== "has no remote") {
      methods.push({
        path: "chat.v1.RoomAdminService/Stats",
        answer(body) {
          read(StatsRequestSchema, body);
          return stats();
        },
      });
    }
    if (fault === "answers its pushes") methods.push({ path: "chat.v1.RoomService/Joined", answer: () => empty });
    return methods;
  }

  return {
    async leave() {
      // Before anybody knows that it leaves.
      if (fault === "drops what is in flight") port.drop();
      if (fault !== "leaves without a word") {
        await member.drains();
        await new Promise((resolve) => setTimeout(resolve, noticeMs));
      }
      if (fault !== "drops what is in flight") await port.finish();
      await member.leave(fault !== "leaves its record there");
      frontends.close();
    },
    async drop() {
      port.drop();
      frontends.close();
      await member.leave(true);
    },
  };
}

function bytes<D extends DescMessage>(schema: D, message: MessageInitShape<D>): Uint8Array {
  return toBinary(schema, create(schema, message));
}

function hex(id: Uint8Array): string {
  return Buffer.from(id).toString("hex");
}
