import { create, type DescMethodUnary, type Message, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { Client, credentials, Metadata, type ServiceError, type status } from "@grpc/grpc-js";
import type { GroupName, SessionContext } from "../../../gen/nano/cluster/v1/link_pb.ts";
import { SessionService } from "../../../gen/nano/cluster/v1/session_pb.ts";
import type { Fault } from "./fault.ts";
import type { Member } from "./member.ts";
import { Refusal } from "./port.ts";

/** What is asked of the frontends. */
export class Frontends {
  readonly #member: Member;
  readonly #token: string | undefined;
  readonly #fault: Fault | undefined;
  readonly #clients = new Map<string, Client>();

  constructor(member: Member, token: string | undefined, fault: Fault | undefined) {
    this.#member = member;
    this.#token = token;
    this.#fault = fault;
  }

  /** Asks the frontend that holds the session, and fails with what it fails with. */
  async ask<M extends DescMethodUnary>(
    method: M,
    { frontend, incarnation }: Pick<SessionContext, "frontend" | "incarnation">,
    request: MessageInitShape<M["input"]>,
    deadline: Date | number,
  ): Promise<void> {
    const record = await this.#member.find(incarnation);
    if (!record) throw new Refusal(14 satisfies status.UNAVAILABLE, `${frontend} is gone`);
    const key = this.#fault === "looks for frontends once" ? frontend : String(incarnation);
    const client = this.#clients.get(key) ?? new Client(record.addresses[0] ?? "", credentials.createInsecure());
    this.#clients.set(key, client);
    const metadata = new Metadata();
    if (this.#token !== undefined && this.#fault !== "shows no token") metadata.set("authorization", `Bearer ${this.#token}`);
    const until = this.#fault === "forgets deadlines" ? Number.POSITIVE_INFINITY : deadline;
    await new Promise<void>((resolve, reject) => {
      client.makeUnaryRequest(
        `/${SessionService.typeName}/${method.name}`,
        (message: Message) => Buffer.from(toBinary(method.input, message)),
        (bytes: Buffer) => bytes,
        create(method.input, request),
        metadata,
        { deadline: until },
        (error: ServiceError | null) => (error ? reject(new Refusal(error.code, error.details)) : resolve()),
      );
    });
  }

  /** Tells the members of a group, at every frontend that answers. */
  async tell(
    group: Pick<GroupName, "type" | "name">,
    route: string,
    body: Uint8Array,
    from: SessionContext | undefined,
  ): Promise<void> {
    // Of two lines that differ in their last letter one is late.
    const delayed = this.#fault === "pushes when it likes" && (body.at(-1) ?? 0) % 2 === 0;
    if (delayed || this.#fault === "does not wait for pushes") await new Promise((resolve) => setTimeout(resolve, 40));
    const frontends = this.#member.frontends.filter(
      ({ incarnation }) => this.#fault !== "pushes at one frontend" || incarnation === from?.incarnation,
    );
    const told = frontends.map(({ id, incarnation }) =>
      this.ask(SessionService.method.pushGroup, { frontend: id, incarnation }, { group, route, body }, Date.now() + 2_000),
    );
    await Promise.allSettled(told);
  }

  close(): void {
    for (const client of this.#clients.values()) client.close();
  }
}
