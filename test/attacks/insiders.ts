import { etcd, silentLogger } from "nano-rpc";
import { createClient } from "nano-rpc/client";
import { tcp } from "nano-rpc/client/tcp";
import { expect, vi } from "vitest";
import type { SessionContext } from "../../gen/nano/cluster/v1/link_pb.ts";
import { systemClock, systemRandom } from "../../src/clock/index.ts";
import { createRecordSeal, type Membership, type ServerInfo } from "../../src/discovery/index.ts";
import { createLinkTransport } from "../../src/link/index.ts";
import { systemNet } from "../../src/net/index.ts";
import { packSchema } from "../../src/route/index.ts";
import { info } from "../discovery/member.ts";
import { RawLink } from "../link/raw-link.ts";
import { first, until } from "../net/recorder.ts";
import { OtherClient, PlayClient } from "../schema/gen/play/v1/play_client.ts";
import { OtherHandler } from "../schema/gen/play/v1/play_nano.ts";
import type { Siege } from "./siege.ts";
import { allHave, many, Stranger } from "./stranger.ts";

/** Those who have the token of a cluster under siege, and more on their minds. */
export interface Insiders {
  /** Writes a signed record. */
  joins(self: ServerInfo, schema?: Uint8Array): Promise<Membership>;
  /** Opens a link by hand. It answers no pings: good for some seconds of talk. */
  link(address: string, self: ServerInfo): Promise<RawLink>;
  /** What an honest frontend tells a backend of two of its sessions: the second is over when this resolves. */
  contexts(): Promise<readonly [SessionContext, SessionContext]>;
  close(): Promise<void>;
}

const challenge = new Uint8Array(32).fill(1);
const noEvents = { changed: () => {}, fenced: () => {}, available: () => {} };

export function createInsiders({ registry, prefix, ports, account }: Siege, token: string): Insiders {
  const cleanups: (() => unknown)[] = [];

  function joins(self: ServerInfo, schema?: Uint8Array): Promise<Membership> {
    const discovery = etcd({ endpoints: [registry.endpoint], prefix });
    const host = { clock: systemClock, random: systemRandom, log: silentLogger, seal: createRecordSeal([token]) };
    return discovery.join(self, schema, noEvents, host);
  }

  return {
    async joins(self, schema) {
      const membership = await joins(self, schema);
      cleanups.push(() => membership.leave());
      return membership;
    },
    async link(address, self) {
      const stranger = new Stranger(address);
      cleanups.push(() => stranger.close());
      const raw = stranger.link();
      raw.hello(self, { challenge, frontend: self.frontend, types: [...self.types] });
      await allHave([raw], "hello");
      raw.proof(token, self, raw.take("hello"));
      await allHave([raw], "proof");
      return raw;
    },
    async contexts() {
      const givenUp = async (): Promise<number> => (await account()).frontend.refused.handler;
      const before = await givenUp();
      const came: RawLink[] = [];
      const transport = createLinkTransport(systemNet, { authorize: () => false, other: () => {} });
      const listener = await transport.listen({ host: "127.0.0.1", port: 0 }, (stream) => {
        const raw = new RawLink();
        raw.stream = stream;
        came.push(raw);
        return raw.events;
      });
      const schema = packSchema([OtherHandler]);
      const address = `127.0.0.1:${listener.port}`;
      const self = info("other-1", { types: ["other"], addresses: [address], schema: schema.hash, incarnation: 70_001n });
      const membership = await joins(self, schema.gzip);
      const clients = many(2, () => createClient({ transport: tcp({ host: "127.0.0.1", port: ports.tcp }) }));
      for (const [at, client] of clients.entries()) {
        await client.connect();
        await client.service(PlayClient).enter({ user: `user-${at}` });
        client.service(OtherClient).put({ number: at });
      }
      const raw = await first(came);
      await allHave([raw], "hello");
      const gate = raw.take("hello");
      raw.hello(self, { challenge, frontend: false, types: ["other"] });
      await allHave([raw], "proof");
      raw.proof(token, self, gate, false);
      await until(() => raw.kinds.filter((kind) => kind === "forward").length, 10_000).toBe(2);
      const opened = [raw.take("open").context, raw.take("open").context].sort((one) => (one?.user === "user-0" ? -1 : 1));
      await membership.leave();
      await clients[1]?.close();
      raw.stream?.destroy();
      await listener.close();
      cleanups.push(() => clients[0]?.close());
      // What both have said is given up, with the session or the server: nothing of it is counted later.
      await vi.waitFor(async () => expect(await givenUp()).toBe(before + 2), { timeout: 10_000, interval: 100 });
      return opened as [SessionContext, SessionContext];
    },
    async close() {
      for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
    },
  };
}
