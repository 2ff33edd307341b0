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
      let writing: Promise<void> = Promise.resolve();

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
          lease = await store.lease(leaseMs);
          written = textOf(record);
          // Whoever comes back to find its id taken does not take it again: the next look ends it.
          await store.write([{ key, value: written, lease, where: { key, value: undefined } }]);
        }
        aliveAtMs = startedAtMs;
      }

      async function writeNow(): Promise<void> {
        const value = textOf(record);
        if (over || value === written) return;
        const [outcome] = await store.write([{ key, value, lease, where: { key, value: written } }]);
        if (outcome?.done) written = value;
        // What was written before may have been done though nobody heard of it.
        else if (outcome?.before && serverOf(outcome.before).incarnation === self.incarnation) written = outcome.before;
      }

      // One after the other: what is written last has to be the newest.
      function write(): Promise<void> {
        writing = writing.then(writeNow, writeNow);
        return writing;
      }

      function say(now: boolean): void {
        if (now !== available && !over) events.available(now);
        available = now;
      }

      async function keepUp(): Promise<void> {
        try {
          if (clock.now() - aliveAtMs > leaseMs / 3) await renew();
          await write();
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
          record = next;
          await write();
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
