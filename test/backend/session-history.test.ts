import type { Client } from "nano-rpc/client";
import { createTestCluster, type Fault } from "nano-rpc/testing";
import { expect, test } from "vitest";
import { seededRandom } from "../../src/clock/index.ts";
import { askServices } from "../remote/ask.ts";
import { DeskClient } from "../schema/gen/ask/v1/ask_client.ts";

const gates = ["gate-1", "gate-2"];
const steps = 60;

test.each([1, 2, 3, 4, 5])(
  "whatever breaks, each session is bound and over in turn, and at last all is known (seed %i)",
  async (seed) => {
    const random = seededRandom(seed);
    const below = (count: number): number => Math.floor(random.next() * count);
    await using cluster = createTestCluster({ seed, latencyMs: 3 });
    // By session: the user that it has, as far as was heard.
    const online = new Map<string, string>();
    const wrong: string[] = [];
    const leaves = (how: string, id: string, user: string): void => {
      if (online.get(id) !== user) wrong.push(`${how} ${user} of ${id}, which had ${online.get(id)}`);
      online.delete(id);
    };
    await cluster.start({ id: "ask-1", services: askServices("ask-1", () => {}) });
    for (const id of gates) await cluster.start({ id, types: ["gate"], frontend: true });
    await cluster.start({
      id: "watch-1",
      types: ["watch"],
      sessionEvents: {
        bound({ id, user }) {
          if (online.has(id)) wrong.push(`bound ${user} to ${id}, which had ${online.get(id)}`);
          online.set(id, user);
        },
        unbound: ({ id, user }) => leaves("unbound", id, user),
        closed: ({ id, user }) => leaves("closed", id, user),
      },
    });
    await cluster.advance(100);

    const clients: { readonly client: Client; user: string }[] = [];
    const cuts = new Map<string, Fault>();
    let users = 0;

    const settled = async <T>(promise: Promise<T>): Promise<T> => {
      await cluster.advance(100);
      return promise;
    };

    async function step(): Promise<void> {
      const gate = gates[below(gates.length)] ?? "";
      const at = below(clients.length);
      const one = clients[at];
      const kind = below(10);
      if (kind < 4 || !one) {
        const client = await settled(cluster.connect(gate, { reconnect: false }));
        const user = `user-${users++}`;
        await settled(client.service(DeskClient).enter({ word: user }));
        clients.push({ client, user });
      } else if (kind < 6) {
        clients.splice(at, 1);
        await settled(one.client.close());
      } else if (kind < 7) {
        one.user = one.user === "" ? `user-${users++}` : "";
        await settled(one.client.service(DeskClient).enter({ word: one.user }));
      } else if (kind < 9) {
        const cut = cuts.get(gate);
        if (cut) await cut.heal();
        if (!cuts.delete(gate)) cuts.set(gate, cluster.cut(gate, "watch-1"));
      } else await cluster.advance(below(12_000));
    }

    for (let count = 0; count < steps; count++) await step();
    for (const cut of cuts.values()) await cut.heal();
    await cluster.advance(20_000);
    expect(wrong).toEqual([]);
    const there = clients.map(({ user }) => user).filter((user) => user !== "");
    expect([...online.values()].sort()).toEqual(there.sort());
    expect(users).toBeGreaterThan(10);
  },
);
