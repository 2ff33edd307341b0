import { implement, type Server, type Service, type Session } from "nano-rpc";
import type { Client } from "nano-rpc/client";
import type { TestCluster, TestServerOptions } from "nano-rpc/testing";
import { RoomClient } from "../../examples/chat/gen/chat/v1/chat_client.ts";
import { RoomHandler, RoomPush } from "../../examples/chat/gen/chat/v1/chat_nano.ts";

/** A client with a session of a cluster of a test. */
export interface Guest {
  readonly client: Client;
  readonly session: Session;
  readonly heard: readonly string[];
  /** Why it was told to go. */
  readonly kicks: readonly string[];
}

/** A hall where nobody is bound by coming in: the test does that, with the sessions as the room's server has them. */
export class Hall {
  readonly #sessions = new Map<string, { readonly server: string; readonly session: Session }>();
  readonly #cluster: TestCluster;
  #guests = 0;

  constructor(cluster: TestCluster) {
    this.#cluster = cluster;
  }

  /** @param server Who serves them, where that matters. */
  services(server = ""): Service[] {
    return [
      implement(RoomHandler, {
        join: ({ name }, { session }) => {
          this.#sessions.set(name, { server, session });
          return { members: [] };
        },
        say: () => {},
      }),
    ];
  }

  /** Asks for a hall once more, wherever it is; gives the session as it is there. */
  async visit({ client }: Guest, room: string): Promise<{ readonly server: string; readonly session: Session }> {
    const name = `visit of ${room}`;
    const joining = client.service(RoomClient).join({ room, name });
    await this.#cluster.settle();
    await joining;
    return this.#seen(name);
  }

  gate(id: string, more: Partial<TestServerOptions> = {}): Promise<Server> {
    return this.#cluster.start({ id, frontend: true, types: ["gate"], ...more });
  }

  async enter(gate: string): Promise<Guest> {
    const name = `guest-${++this.#guests}`;
    const client = await this.#cluster.connect(gate, { reconnect: false });
    const heard: string[] = [];
    const kicks: string[] = [];
    client.onState((state) => {
      if (state.name === "closed" && state.reason.code !== undefined) kicks.push(state.reason.code);
    });
    const room = client.service(RoomClient);
    room.onSaid(({ text }) => void heard.push(text));
    const joining = room.join({ room: "any", name });
    await this.#cluster.settle();
    await joining;
    return { client, session: this.#seen(name).session, heard, kicks };
  }

  #seen(name: string): { readonly server: string; readonly session: Session } {
    const seen = this.#sessions.get(name);
    if (!seen) throw new Error(`${name} has not come in`);
    return seen;
  }
}

export const said = RoomPush.said;
export const text = (words: string): { readonly name: string; readonly text: string } => ({ name: "", text: words });
