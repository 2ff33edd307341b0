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
  readonly #sessions = new Map<string, Session>();
  readonly #cluster: TestCluster;
  #guests = 0;

  constructor(cluster: TestCluster) {
    this.#cluster = cluster;
  }

  services(): Service[] {
    return [
      implement(RoomHandler, {
        join: ({ name }, { session }) => {
          this.#sessions.set(name, session);
          return { members: [] };
        },
        say: () => {},
      }),
    ];
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
    const session = this.#sessions.get(name);
    if (!session) throw new Error(`${name} has not come in`);
    return { client, session, heard, kicks };
  }
}

export const said = RoomPush.said;
export const text = (words: string): { readonly name: string; readonly text: string } => ({ name: "", text: words });
