import { afterAll, beforeAll, expect, test } from "vitest";
import { type Acceptor, type PortOptions, tcp, webSocket } from "../../src/acceptor/index.ts";
import { openSockets, until } from "../net/recorder.ts";
import { selfSigned } from "../net/self-signed.ts";
import { type Haproxy, startHaproxy } from "../support/haproxy.ts";
import { acceptorCases, type Dialled } from "./cases.ts";
import { framed, packet, type StartedAcceptor, startAcceptor } from "./started.ts";

const trusting: PortOptions = { port: 0, proxy: { trusted: ["127.0.0.1"] } };
const cases = acceptorCases();
const versions = {
  v1: "send-proxy",
  v2: "send-proxy-v2",
  // With extensions, one of them a checksum.
  extended: "send-proxy-v2 proxy-v2-options crc32c,unique-id",
} as const;
// Every address of 127.0.0.0/8 is this machine's: the client's is not the proxy's.
const client = "127.0.0.2";
const page = "https://game.example";
const acceptors: Acceptor[] = [];
const targets = new Map<string, StartedAcceptor>();
const ended = selfSigned();
let haproxy: Haproxy;

async function target(name: string, acceptor: Acceptor): Promise<number> {
  acceptors.push(acceptor);
  const started = await startAcceptor(acceptor);
  targets.set(name, started);
  return started.port;
}

beforeAll(async () => {
  const sections: Record<string, string> = {};
  for (const [index, one] of cases.entries()) {
    for (const [version, option] of Object.entries(versions)) {
      const name = `${version}-${index}`;
      const port = await target(name, one.create(trusting));
      sections[name] = [
        ...["mode tcp", "bind 127.0.0.1:PORT", "bind [::1]:PORT", "unique-id-format %{+X}o%ci:%cp"],
        `server nano 127.0.0.1:${port} ${option}`,
      ].join("\n  ");
    }
  }
  const checked = await target("checked", tcp(trusting));
  sections["checked"] = `mode tcp\nbind 127.0.0.1:PORT\nserver nano 127.0.0.1:${checked} send-proxy-v2 check inter 50`;
  for (const [name, origins] of [["ended", []] as const, ["listed", [page]] as const]) {
    const port = await target(name, webSocket({ ...trusting, origins }));
    sections[name] = [
      ...["mode http", "bind 127.0.0.1:PORT ssl crt FOLDER/ended.pem alpn http/1.1"],
      `server nano 127.0.0.1:${port} send-proxy-v2-ssl-cn`,
    ].join("\n  ");
  }
  haproxy = await startHaproxy(sections, { "ended.pem": `${ended.cert}${ended.key}` });
});

afterAll(async () => {
  await haproxy?.stop();
  await Promise.all(acceptors.map((acceptor) => acceptor.stop()));
  await until(openSockets).toBe(0);
});

function behind(name: string): StartedAcceptor & { readonly proxied: number } {
  const started = targets.get(name);
  const proxied = haproxy.ports.get(name);
  if (!started || proxied === undefined) throw new Error(`no section "${name}"`);
  return { ...started, proxied };
}

async function greets(one: Dialled, { accepted }: StartedAcceptor, address: string): Promise<void> {
  one.send(packet(`from ${address}`));
  const here = (): StartedAcceptor["accepted"][number] | undefined =>
    accepted.find(({ heard }) => heard.text.endsWith(`from ${address}`));
  await until(() => here() !== undefined).toBe(true);
  const { socket, heard } = here() ?? {};
  expect(socket?.remoteAddress).toBe(address);
  socket?.write(framed(socket, packet(200)));
  await until(() => one.heard).toBe(204);
  one.close();
  await until(() => heard?.closes.length).toBe(1);
}

test.each(
  cases.flatMap(({ name, dial }, index) =>
    Object.keys(versions).map((version) => ({ version, name, dial, id: `${version}-${index}` })),
  ),
)("HAProxy, $version, before $name: the address is the client's", async ({ id, dial }) => {
  const at = behind(id);
  await greets(dial(at.proxied, { localAddress: client }), at, client);
  await greets(dial(at.proxied, { host: "::1", rejectUnauthorized: false }), at, "::1");
});

test("what HAProxy asks for its own sake finds the acceptor well", async () => {
  const at = behind("checked");
  // It says LOCAL, and leaves.
  const checks = (): number =>
    at.accepted.filter(({ socket, heard }) => socket.remoteAddress === "127.0.0.1" && heard.closes.length === 1).length;
  await until(checks).toBeGreaterThan(2);
  await greets(cases[0]?.dial(at.proxied, { localAddress: client }) ?? raise(), at, client);
});

test("behind a HAProxy that ends TLS, a page of the very host has to be listed", async () => {
  const dial = (name: string, origin?: string): Dialled =>
    cases[3]?.dial(behind(name).proxied, {
      ...{ localAddress: client, ca: ended.cert, servername: "localhost" },
      headers: { host: "game.example", ...(origin === undefined ? {} : { origin }) },
    }) ?? raise();
  const refused = dial("ended", page);
  await until(() => refused.state).toBe("closed");
  await greets(dial("ended"), behind("ended"), client);
  await greets(dial("listed", page), behind("listed"), client);
});

function raise(): never {
  throw new Error("no such case");
}
