import { connect as connectTls, type TLSSocket } from "node:tls";
import { afterEach, describe, expect, test } from "vitest";
import { type PortAcceptor, tcp, webSocket } from "../../src/acceptor/index.ts";
import type { TlsOptions } from "../../src/net/index.ts";
import { openSockets, until } from "../net/recorder.ts";
import { selfSigned } from "../net/self-signed.ts";
import { type AcceptorCase, acceptorCases, type DialOptions } from "./cases.ts";
import { framed, packet, startAcceptor } from "./started.ts";

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  await Promise.all(cleanups.splice(0).map((cleanup) => cleanup()));
  await until(openSockets).toBe(0);
});

async function start(acceptor: PortAcceptor): ReturnType<typeof startAcceptor> {
  cleanups.push(() => acceptor.stop());
  return await startAcceptor(acceptor);
}

/** The name in the certificate that is shown to whoever asks for this one; undefined where none is. */
function shown(port: number, servername?: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket: TLSSocket = connectTls(
      { host: "127.0.0.1", port, rejectUnauthorized: false, ...(servername === undefined ? {} : { servername }) },
      () => {
        const { CN } = socket.getPeerCertificate().subject;
        resolve(typeof CN === "string" ? CN : undefined);
        socket.destroy();
      },
    );
    socket.on("error", () => resolve(undefined));
    cleanups.push(() => void socket.destroy());
  });
}

const fallback = selfSigned("fallback.example");
const play = selfSigned("play.example");
const wild = selfSigned("*.rooms.example");
const names: TlsOptions["names"] = { "play.example": play, "*.Rooms.example": wild };

describe.each(acceptorCases().filter(({ tls }) => tls))("certificates: $name", ({ create, dial }: AcceptorCase) => {
  test("each name is shown its own; other names, and none, the one beside them", async () => {
    const { port } = await start(create({ port: 0, tls: { ...fallback, names } }));
    for (const [asked, subject] of [
      ["play.example", "play.example"],
      ["PLAY.example", "play.example"],
      ["one.rooms.example", "*.rooms.example"],
      ["two.rooms.example", "*.rooms.example"],
      ["rooms.example", "fallback.example"],
      ["a.one.rooms.example", "fallback.example"],
      ["play.example.com", "fallback.example"],
      ["other.example", "fallback.example"],
      [undefined, "fallback.example"],
    ] as const) {
      expect(await shown(port, asked), asked).toBe(subject);
    }
  });

  test("without one beside them, who asks for another name is sent away", async () => {
    const { port, accepted } = await start(create({ port: 0, tls: { names } }));
    expect(await shown(port, "play.example")).toBe("play.example");
    for (const asked of ["other.example", undefined]) expect(await shown(port, asked)).toBe(undefined);
    const client = dial(port, { ca: play.cert, servername: "play.example" });
    client.send(packet("named"));
    await until(() => accepted.some(({ heard }) => heard.text.endsWith("named"))).toBe(true);
    client.close();
  });

  test("other certificates are shown from now on, and whoever is there stays", async () => {
    const acceptor = create({ port: 0, tls: { ...fallback, names } });
    const { port, accepted } = await start(acceptor);
    const there = [
      dial(port, { ca: fallback.cert, servername: "fallback.example" }),
      dial(port, { ca: play.cert, servername: "play.example" }),
    ];
    for (const client of there) {
      cleanups.push(client.close);
      client.send(packet("before"));
    }
    await until(() => accepted.filter(({ heard }) => heard.text.endsWith("before")).length).toBe(2);

    const next = selfSigned("next.example");
    const renewed = selfSigned("play.example");
    acceptor.setTls({ ...next, names: { "play.example": renewed } });
    expect(await shown(port)).toBe("next.example");
    // A name that is gone is shown what others are.
    expect(await shown(port, "one.rooms.example")).toBe("next.example");
    const attempt = (options: DialOptions): (() => string) => {
      const client = dial(port, { servername: "play.example", ...options });
      cleanups.push(client.close);
      return () => client.state;
    };
    await until(attempt({ ca: play.cert })).toBe("closed");
    await until(attempt({ ca: renewed.cert })).toBe("open");

    for (const client of there) client.send(packet("after"));
    await until(() => accepted.filter(({ heard }) => heard.text.endsWith("after")).length).toBe(2);
    for (const { socket, heard } of accepted) if (heard.text.endsWith("after")) socket.write(framed(socket, packet(500)));
    await until(() => there.map(({ heard, state }) => [heard, state])).toEqual([
      [504, "open"],
      [504, "open"],
    ]);
  });

  test("one that makes no sense is an error, and the old is shown", async () => {
    const acceptor = create({ port: 0, tls: { ...fallback, names } });
    const { port } = await start(acceptor);
    for (const wrong of [
      {},
      { cert: fallback.cert },
      { cert: "no certificate", key: fallback.key },
      { cert: fallback.cert, key: play.key },
      { ...fallback, names: { "play.example": { cert: play.cert, key: wild.key } } },
      { ...selfSigned("half.example"), names: { "play.example": { cert: "", key: "" } } },
    ] satisfies TlsOptions[]) {
      expect(() => acceptor.setTls(wrong), JSON.stringify(Object.keys(wrong))).toThrow();
    }
    expect(await shown(port)).toBe("fallback.example");
    expect(await shown(port, "play.example")).toBe("play.example");
  });

  test.each([
    ["no certificate", {}],
    ["no key", { cert: fallback.cert }],
    ["the key of another", { cert: fallback.cert, key: play.key }],
    ["no PEM text", { cert: "x", key: "y" }],
    ["a name with the key of another", { ...fallback, names: { x: { cert: play.cert, key: wild.key } } }],
  ])("it does not start with %s", async (_what, tls) => {
    await expect(startAcceptor(create({ port: 0, tls }))).rejects.toThrow();
  });

  test("what is set before the start is shown after it", async () => {
    const acceptor = create({ port: 0, tls: fallback });
    acceptor.setTls(play);
    const { port } = await start(acceptor);
    expect(await shown(port)).toBe("play.example");
  });

  test("clients that have to show a certificate: of the authority of the day", async () => {
    const [one, two] = [selfSigned("one.example"), selfSigned("two.example")];
    const acceptor = create({ port: 0, tls: { ...fallback, ca: one.cert, requestCert: true, names } });
    const { port, accepted } = await start(acceptor);
    const taken = async (shows: object, servername = "play.example"): Promise<boolean> => {
      const before = accepted.length;
      const client = dial(port, { rejectUnauthorized: false, servername, ...shows });
      cleanups.push(client.close);
      client.send(packet("me"));
      await until(() => client.state === "closed" || accepted.slice(before).some(({ heard }) => heard.text.endsWith("me"))).toBe(
        true,
      );
      return accepted.length > before;
    };
    for (const name of ["play.example", "fallback.example"]) {
      expect(await taken(one, name)).toBe(true);
      expect(await taken(two, name)).toBe(false);
      expect(await taken({}, name)).toBe(false);
    }
    acceptor.setTls({ ...fallback, ca: two.cert, requestCert: true, names });
    for (const name of ["play.example", "fallback.example"]) {
      expect(await taken(one, name)).toBe(false);
      expect(await taken(two, name)).toBe(true);
    }
  });
});

test("an acceptor without TLS has none to set", () => {
  for (const acceptor of [tcp({ port: 0 }), webSocket({ port: 0 })]) {
    expect(() => acceptor.setTls(play)).toThrow(`the acceptor "${acceptor.name}" was made without TLS`);
  }
});
