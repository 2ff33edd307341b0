import { connect as connectTls } from "node:tls";
import type { TlsOptions } from "nano-rpc";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RawLink } from "../link/raw-link.ts";
import { type Authority, createAuthority } from "../server/certificates.ts";
import { remoteCall, userKick, userPush } from "./frames.ts";
import { attempts, besiege, type Siege } from "./siege.ts";
import { allClosed, inBatches, many, Stranger } from "./stranger.ts";

let ours: Authority;
let theirs: Authority;
let siege: Siege;

beforeAll(async () => {
  const names = {
    "gate-1": "URI:nano:frontend,URI:nano:type:gate,URI:nano:id:gate-1",
    "play-1": "URI:nano:type:play,URI:nano:id:play-1",
    "honest-1": "URI:nano:type:honest",
  };
  ours = createAuthority(names);
  theirs = createAuthority(names);
  const tls = Object.fromEntries(Object.keys(names).map((name) => [name, ours.tls(name)]));
  siege = await besiege({ tls });
});

afterAll(async () => {
  await siege.stop();
  await Promise.all([ours.remove(), theirs.remove()]);
});

const servername = "nano.cluster";
const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0", "latin1");

/** Opens TLS and begins HTTP/2; gives how many bytes the server has said to that before it was over. */
function heard(address: string, tls: TlsOptions): Promise<number> {
  const [host = "", port] = address.split(":");
  const { cert, key, ca } = tls;
  return new Promise((resolve) => {
    let bytes = 0;
    const own = cert && key ? { cert, key } : {};
    const socket = connectTls({ host, port: Number(port), ca, servername, ALPNProtocols: ["h2"], ...own });
    socket.on("secureConnect", () => socket.write(preface)).on("data", (data) => (bytes += data.length));
    socket.on("error", () => {}).once("close", () => resolve(bytes));
  });
}

describe("a connection", () => {
  test.each([
    ["without a certificate", () => ({ ca: ours.ca })],
    ["with a certificate of another authority, that says all that ours do", () => ({ ...theirs.tls("gate-1"), ca: ours.ca })],
  ])("%s", async (_what, tls) => {
    const { gate, play } = siege.ports;
    const attack = (): Promise<void> =>
      inBatches(attempts, 50, async (_from, count) => {
        const said = await Promise.all(many(count, (at) => heard(at % 2 === 0 ? gate : play, tls())));
        expect(said).toEqual(many(count, () => 0));
      });
    const refused = { connectionsRefused: { tls: attempts / 2 } };
    expect(await siege.beside(attack)).toEqual({ gate: refused, play: refused });
  });
});

describe("with a backend's certificate, a link of a server", () => {
  const lies: readonly (readonly [string, (raw: RawLink, at: number) => void])[] = [
    [
      "that claims to be a frontend",
      (raw, at) => raw.hello({ id: "room-1", incarnation: 1_000n + BigInt(at) }, { types: ["room"] }),
    ],
    [
      "that claims to be of another type",
      (raw, at) => raw.hello({ id: "room-1", incarnation: 1_000n + BigInt(at) }, { frontend: false, types: ["room", "gate"] }),
    ],
    [
      "that claims another id",
      (raw, at) => raw.hello({ id: "gate-1", incarnation: 1_000n + BigInt(at) }, { frontend: false, types: ["room"] }),
    ],
    [
      "that claims to be the frontend that is there, and no more than that",
      (raw) => raw.hello({ id: "room-1", incarnation: BigInt(siege.ports.gateIncarnation) }, { frontend: false, types: [] }),
    ],
    [
      "that claims to be a server that is there, and all that it is",
      (raw) => raw.hello({ id: "honest-1", incarnation: siege.honest.info.incarnation }, { frontend: false, types: ["honest"] }),
    ],
  ];

  test.each(lies)("%s", async (_what, lie) => {
    const { cert, key, ca } = ours.tls("room-1");
    const attack = (): Promise<void> =>
      inBatches(attempts, 200, async (from, count) => {
        const stranger = new Stranger(siege.ports.play, { cert, key, ca, servername });
        const links = many(count, () => stranger.link());
        for (const [at, raw] of links.entries()) {
          lie(raw, from + at);
          raw.say(remoteCall(1n), userKick(2n, "ann"), userPush(3n, "ann"));
        }
        await allClosed(links);
        for (const raw of links) {
          expect(raw.take("goodbye").code).toBe("permission_denied");
          expect(raw.kinds).toEqual([]);
        }
        stranger.close();
      });
    expect(await siege.beside(attack)).toEqual({ play: { linksRefused: { certificate: attempts } } });
  });
});
