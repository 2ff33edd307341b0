import type { Message } from "@bufbuild/protobuf";
import type { GenMessage } from "@bufbuild/protobuf/codegenv2";
import type { Method, Push } from "./method.ts";

/** What handlers and remotes have in common. `H` is what implements it. */
export interface ServiceDefinition<H> {
  /** The version of the generated code. */
  readonly codegen: 1;
  readonly kind: "handler" | "remote";
  /** The type of server that hosts it. */
  readonly server: string;
  /** As "chat.v1.RoomService". */
  readonly service: string;
  readonly methods: { readonly [name: string]: Method };
  readonly "~implementation"?: H;
}

/** A service that clients call. `H` is what implements it. */
export interface HandlerService<H> extends ServiceDefinition<H> {
  readonly kind: "handler";
  /** The message that is the session's data for this service. */
  readonly session?: GenMessage<Message>;
  /** What the service tells clients. */
  readonly pushes?: { readonly [name: string]: Push<Message> };
}

/** A service that servers call. `H` is what implements it, `C` what calls it. */
export interface RemoteService<H, C> extends ServiceDefinition<H> {
  readonly kind: "remote";
  readonly "~caller"?: C;
}
