import { createServer, etcd, type Server, silentLogger, tcp } from "nano-rpc";
import type { KitOptions } from "./options.ts";
import { until } from "./patience.ts";
import { connectPerson, type Person } from "./person.ts";

/** The type of the kit's frontends. */
export const gateType = "conformance";

/** A real frontend, with real clients. */
export interface Gate {
  readonly server: Server;
  connect(encoding?: "json" | "protobuf"): Promise<Person>;
  /** Another incarnation takes its place, at other ports. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Throws Failed where it does not see the server.
 *
 * @param opened Told of it when it is to be stopped.
 */
export async function openGate(options: KitOptions, id: string, opened: (gate: Gate) => void): Promise<Gate> {
  const { endpoints, prefix, tokens, host, type } = options;
  const people = new Set<Person>();
  let server = make();

  function make(): Server {
    return createServer({
      id,
      types: [gateType],
      discovery: etcd({ endpoints, prefix }),
      cluster: { listen: `${host}:0`, tokens },
      acceptors: [tcp({ port: 0, host: "127.0.0.1" })],
      log: silentLogger,
    });
  }

  async function start(): Promise<void> {
    await server.start();
    await until("a gate sees the server, and that it is ready", () =>
      server.servers(type).some(({ state }) => state === "ready"),
    );
  }

  const gate: Gate = {
    get server() {
      return server;
    },
    async connect(encoding = "protobuf") {
      const person = await connectPerson(server.addresses["tcp"] ?? "", encoding);
      people.add(person);
      return person;
    },
    async restart() {
      await server.stop({ graceMs: 2_000 });
      server = make();
      await start();
    },
    async stop() {
      await Promise.all([...people].map((person) => person.close()));
      await server.stop({ graceMs: 2_000 });
    },
  };
  opened(gate);
  await start();
  return gate;
}
