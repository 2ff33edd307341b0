import { create, fromJsonString, toJsonString } from "@bufbuild/protobuf";
import { UserBindingSchema } from "../../gen/nano/cluster/v1/user_pb.ts";

/** Which session a user is at. */
export interface Binding {
  readonly user: string;
  /** The id of the frontend. */
  readonly frontend: string;
  readonly incarnation: bigint;
  /** The session's id. */
  readonly session: string;
  /** Milliseconds since 1970 on the frontend's clock; grows with every bind of one frontend. */
  readonly boundMs: number;
}

/** The key of a user in the store. */
export function userKey(user: string): string {
  return `users/${user}`;
}

/** A binding as the store keeps it. */
export function encodeBinding({ frontend, incarnation, session, boundMs }: Binding): string {
  return toJsonString(UserBindingSchema, create(UserBindingSchema, { frontend, incarnation, session, boundMs: BigInt(boundMs) }));
}

/** Undefined where the text is no binding: whoever wrote it does not count. */
export function decodeBinding(user: string, text: string | undefined): Binding | undefined {
  if (text === undefined || text.length > maxTextLength) return undefined;
  try {
    const { frontend, incarnation, session, boundMs } = fromJsonString(UserBindingSchema, text, { ignoreUnknownFields: true });
    if (incarnation === 0n || session === "") return undefined;
    return { user, frontend, incarnation, session, boundMs: Number(boundMs) };
  } catch {
    return undefined;
  }
}

/** Whether a binding stays where the other was made without knowing of it. All servers say the same. */
export function isLater(one: Binding, other: Pick<Binding, "boundMs" | "session">): boolean {
  return one.boundMs === other.boundMs ? one.session > other.session : one.boundMs > other.boundMs;
}

const maxTextLength = 4_096;
