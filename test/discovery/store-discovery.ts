import type { Discovery, ServerInfo, Store } from "nano-rpc";

const leaseMs = 10_000;
const pollMs = 100;

/** Discovery by asking a store again and again. */
export function storeDiscovery(store: Store): Discovery {
  return {
    name: "store",
    async join(self, schema, events, { clock, log }) {
      const key = `servers/${self.id}`;
      let record = self;
      let written = textOf(self);
      let told = "";
      let over = false;
      let aliveAtMs = clock.now();
      let available = true;
      let lease = await store.lease(leaseMs);
      let writing: Promise<unknown> = Promise.resolve();

      async function look(): Promise<void> {
        const rows = await store.list("servers/");
        if (over) return;
        const servers = rows.map(({ value }) => serverOf(value));
        const other = servers.find(({ id, incarnation }) => id === self.id && incarnation !== self.incarnation);
        if (other) {
          over = true;
          return events.fenced(other.incarnation);
        }
        const text = rows.map(({ value }) => value).join();
        if (text === told) return;
        told = text;
        events.changed(servers);
      }

      async function renew(): Promise<void> {
        const startedAtMs = clock.now();
        if (!(await store.renew(lease))) {
          // Whoever comes back to find its id taken does not take it again: the next look ends it.
          lease = await store.lease(leaseMs);
          written = textOf(record);
          await store.write([{ key, value: written, lease, where: { key, value: undefined } }]);
        }
        aliveAtMs = startedAtMs;
      }

      function say(now: boolean): void {
        if (now !== available && !over) events.available(now);
        available = now;
      }

      async function keepUp(): Promise<void> {
        try {
          if (clock.now() - aliveAtMs > leaseMs / 3) await renew();
          await look();
          say(true);
        } catch (err) {
          log.debug({ err }, "the store is out of reach");
          if (clock.now() - aliveAtMs > leaseMs * 0.8) say(false);
        }
        if (!over) clock.after(pollMs, () => void keepUp());
      }

      if (schema) await store.write([{ key: `schemas/${self.schema}`, value: Buffer.from(schema).toString("base64") }]);
      await store.write([{ key, value: written, lease }]);
      await look();
      clock.after(pollMs, () => void keepUp());
      return {
        store,
        leaseMs,
        async update(next) {
          if (over) return;
          record = next;
          // One after the other; and never over the record of one that took the id.
          const write = async (): Promise<void> => {
            const value = textOf(next);
            const [outcome] = await store.write([{ key, value, lease, where: { key, value: written } }]);
            if (outcome?.done) written = value;
          };
          writing = writing.then(write, write);
          await writing;
        },
        async schema(hash) {
          const [text] = await store.read([`schemas/${hash}`]);
          return text === undefined ? undefined : Buffer.from(text, "base64");
        },
        async leave() {
          over = true;
          await store.revoke(lease);
        },
      };
    },
  };
}

function textOf(server: ServerInfo): string {
  return JSON.stringify({ ...server, incarnation: `${server.incarnation}` });
}

function serverOf(text: string): ServerInfo {
  const record: Omit<ServerInfo, "incarnation"> & { readonly incarnation: string } = JSON.parse(text);
  return { ...record, incarnation: BigInt(record.incarnation) };
}
