import { create, type DescMessage, fromBinary, type MessageInitShape, type MessageShape, toBinary } from "@bufbuild/protobuf";
import {
  JoinedResponseSchema,
  JoinRequestSchema,
  JoinResponseSchema,
  LeftResponseSchema,
  SaidResponseSchema,
  SayRequestSchema,
  StatsRequestSchema,
  StatsResponseSchema,
} from "../examples/chat/gen/chat/v1/chat_pb.ts";
import { BoundRequestSchema, ClosedRequestSchema } from "../gen/nano/cluster/v1/session_pb.ts";
import type { Answer, Caller } from "./caller.ts";
import { must } from "./point.ts";
import type { ProbeSession } from "./probe-session.ts";

/** The methods that the kit calls. */
export const paths = {
  join: "chat.v1.RoomService/Join",
  say: "chat.v1.RoomService/Say",
  stats: "chat.v1.RoomAdminService/Stats",
  bound: "nano.cluster.v1.SessionEventsService/Bound",
  closed: "nano.cluster.v1.SessionEventsService/Closed",
} as const;

type Headers = Readonly<Record<string, string>>;

/** A session of the probe in a room: what its client would ask for. `headers` come beside those that every call has. */
export interface Visit {
  readonly caller: Caller;
  readonly session: ProbeSession;
  /** What opens the door. */
  readonly token: Headers;
}

export function join({ caller, session, token }: Visit, room: string, name: string, headers: Headers = {}): Promise<Answer> {
  const bodies = [encode(JoinRequestSchema, { room, name })];
  return caller.call({ path: paths.join, headers: { ...token, ...session.header, ...headers }, bodies });
}

/** Throws Failed where it is refused. Gives the names that are in the room, in the order of their bytes. */
export async function joined(visit: Visit, room: string, name: string, headers: Headers = {}): Promise<readonly string[]> {
  const answer = mustBeOk("Join", await join(visit, room, name, headers));
  return [...decode(JoinResponseSchema, answer).members].sort();
}

export function say({ caller, session, token }: Visit, texts: readonly string[], headers: Headers = {}): Promise<Answer> {
  const bodies = texts.map((text) => encode(SayRequestSchema, { text }));
  return caller.call({ path: paths.say, headers: { ...token, ...session.header, ...headers }, bodies });
}

/** Tells that the session is that user's. @param user Empty: nobody's. */
export function bound({ caller, session, token }: Visit, user: string): Promise<Answer> {
  const bodies = [encode(BoundRequestSchema, { session: session.id, user })];
  return caller.call({ path: paths.bound, headers: token, bodies });
}

export function closed({ caller, session, token }: Visit): Promise<Answer> {
  const bodies = [encode(ClosedRequestSchema, { session: session.id, reason: { kind: "left" } })];
  return caller.call({ path: paths.closed, headers: token, bodies });
}

export function stats(caller: Caller, token: Headers): Promise<Answer> {
  return caller.call({ path: paths.stats, headers: token, bodies: [encode(StatsRequestSchema, {})] });
}

/** How many there are in a room, by the answer to Stats; 0 where there is no such room. */
export function countIn(room: string, answer: Answer): number {
  return decode(StatsResponseSchema, mustBeOk("Stats", answer)).rooms.find((one) => one.room === room)?.members ?? 0;
}

/** What a session has heard: as "said ann: hi", "joined bob", "left bob". */
export function heardBy(session: ProbeSession): string[] {
  return session.told.map(({ route, body }) => {
    if (route === "room.room.joined") return `joined ${fromBinary(JoinedResponseSchema, body).name}`;
    if (route === "room.room.left") return `left ${fromBinary(LeftResponseSchema, body).name}`;
    if (route !== "room.room.said") return `an unknown push ${route}`;
    const { name, text } = fromBinary(SaidResponseSchema, body);
    return `said ${name}: ${text}`;
  });
}

export function encode<D extends DescMessage>(schema: D, message: MessageInitShape<D>): Uint8Array {
  return toBinary(schema, create(schema, message));
}

/** Throws Failed where it was refused. */
export function mustBeOk(what: string, answer: Answer): Answer {
  must(answer.code === "ok", `${what} is answered with ${told(answer)}`);
  return answer;
}

/** As "not_found (no such room)". */
export function told({ code, message }: Answer): string {
  return message === "" ? code : `${code} (${message})`;
}

function decode<D extends DescMessage>(schema: D, { bodies }: Answer): MessageShape<D> {
  const [body] = bodies;
  must(body !== undefined && bodies.length === 1, `${bodies.length} messages came as the answer, not one`);
  return fromBinary(schema, body);
}
