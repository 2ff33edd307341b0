// What must stay true of the types. It is never run: tsc is its test.
import type { BoundSession, CallContext, Cluster, Code, HandlerContext, Init, PublicContext, Server, Session } from "nano-rpc";
import type { RoomClient, RoomJoinError } from "../../examples/chat/gen/chat/v1/chat_client.ts";
import type { RoomAdminCaller, RoomHandler } from "../../examples/chat/gen/chat/v1/chat_nano.ts";
import type { ChatSession, JoinResponse, SaidResponse, StatsResponse } from "../../examples/chat/gen/chat/v1/chat_pb.ts";
import type { codes } from "../../src/error/code.ts";
import type { LoginLoginError } from "../schema/gen/game/v1/game_client.ts";
import type { Banned, PlayerSession } from "../schema/gen/game/v1/game_pb.ts";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
type Fits<A, B> = A extends B ? true : false;
declare function check<T extends true>(): T;

// The schema's access shows in the context.
check<Equal<HandlerContext["session"]["user"], string>>();
check<Equal<Parameters<RoomHandler["join"]>[1]["session"]["user"], string | undefined>>();
check<Equal<Parameters<RoomHandler["say"]>[1]["session"]["user"], string>>();

// What is answered and heard is a whole message.
check<Equal<Awaited<ReturnType<RoomClient["join"]>>, JoinResponse>>();
check<Equal<Parameters<Parameters<RoomClient["onSaid"]>[0]>[0], SaidResponse>>();
check<Equal<ReturnType<RoomClient["say"]>, void>>();
check<Equal<Awaited<ReturnType<RoomAdminCaller["stats"]>>, StatsResponse>>();
check<Fits<JoinResponse, Init<JoinResponse>>>();

// Data has the type that the schema names, and is to look at.
check<Equal<Session<ChatSession>["data"]["room"], string>>();
check<Equal<Session<PlayerSession>["data"]["items"], { readonly [key: string]: number }>>();

// Sessions with data are sessions; contexts, groups and servers reach the same cluster.
check<Fits<Session<PlayerSession>, Session>>();
check<Fits<BoundSession<PlayerSession>, Session<PlayerSession>>>();
check<Fits<HandlerContext<PlayerSession>, HandlerContext>>();
check<Fits<HandlerContext<PlayerSession>, PublicContext<PlayerSession>>>();
check<Fits<CallContext, Cluster>>();
check<Fits<Server, Cluster>>();

// A declared error has its code and its detail; all others are one kind.
check<Equal<Extract<LoginLoginError, { code: "permission_denied"; declared: true }>["detail"], Banned>>();
check<Equal<Extract<RoomJoinError, { declared: true }>["code"], "already_exists" | "invalid_argument">>();
check<Equal<Extract<RoomJoinError, { declared: true }>["detail"], undefined>>();

// Every code is in the list.
check<Equal<(typeof codes)[number], Code>>();
