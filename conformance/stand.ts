import { randomBytes } from "node:crypto";
import { ForwardMode, type ServerRecord } from "../gen/nano/cluster/v1/record_pb.ts";
import { type Caller, openCaller } from "./caller.ts";
import { type Gate, openGate } from "./gate.ts";
import { type Leaving, leave } from "./leaving.ts";
import type { KitOptions } from "./options.ts";
import { until } from "./patience.ts";
import { Failed, Skipped } from "./point.ts";
import type { Probe } from "./probe.ts";
import { enterProbe, type ProbeMember } from "./probe-member.ts";
import { type Entry, openRegistry, type Registry, readRecord } from "./registry.ts";

/** What points look at a server with. */
export interface Stand {
  readonly options: KitOptions;
  readonly registry: Registry;
  readonly probe: Probe;
  /** Another probe, with this id. */
  enter(id: string): Promise<ProbeMember>;
  /** A real frontend. Throws Failed where it does not see the server. */
  gate(): Promise<Gate>;
  /** Every state of the server that a member of the cluster has heard of; "gone" where its record is taken away. */
  readonly states: readonly string[];
  /** What lies in etcd now: the record of the server. Throws Failed where it is not there, or not alone. */
  entry(): Promise<Entry>;
  record(): Promise<ServerRecord>;
  /** Has the server leave, once; see `leave`. */
  leaving(): Promise<Leaving>;
  /** A new connection of the kit's own to the server. */
  caller(): Promise<Caller>;
  /** The same, for what a frontend asks. Throws Skipped where this server is asked over links. */
  frontend(): Promise<Caller>;
  /** Closes those. */
  hangUp(): void;
  /** What opens the door: empty where the cluster has no token. */
  readonly token: Readonly<Record<string, string>>;
  /** A name that nobody has used. */
  fresh(what: string): string;
  close(): Promise<void>;
}

/** Brings the kit's frontends into the cluster, and waits for the server. Throws Failed where it does not come. */
export async function openStand(options: KitOptions): Promise<Stand> {
  const { endpoints, prefix, tokens, type } = options;
  const registry = openRegistry(endpoints, prefix, tokens);
  const opened: (() => Promise<void> | void)[] = [() => registry.close()];
  const close = async (): Promise<void> => {
    for (const end of opened.splice(0).reverse()) await end();
  };
  const run = randomBytes(4).toString("hex");
  const states: string[] = [];
  const [bearer] = tokens;
  const token: Record<string, string> = bearer === undefined ? {} : { authorization: `Bearer ${bearer}` };
  let names = 0;
  const callers = new Set<Caller>();

  async function entry(): Promise<Entry> {
    const entries = await registry.servers(type);
    const [only] = entries;
    if (!only) throw new Failed(`there is no server under ${prefix}/servers/${type}/`);
    if (entries.length > 1) {
      throw new Failed(`there must be one server of the type ${type} alone: ${entries.map(({ key }) => key).join(", ")}`);
    }
    return only;
  }

  const record = async (): Promise<ServerRecord> => readRecord((await entry()).value.toString());
  let gate: Promise<Gate> | undefined;
  let leaving: Promise<Leaving> | undefined;

  try {
    const enter = async (id: string, changed?: Parameters<typeof enterProbe>[2]): Promise<ProbeMember> => {
      const member = await enterProbe(options, id, changed);
      opened.push(() => member.die());
      return member;
    };
    const { probe } = await enter(`conformance-probe-${run}`, (servers) => {
      const state = servers.find((server) => server.types.includes(type))?.state ?? "gone";
      if (states.at(-1) !== state) states.push(state);
    });
    await until(`a server of the type ${type} is there`, async () => (await registry.servers(type)).length, options.waitMs);
    await entry();
    const stand: Stand = {
      ...{ options, registry, probe, states, entry, record, token, close },
      enter: (id) => enter(id),
      async gate() {
        gate ??= openGate(options, `conformance-gate-${run}`, (one) => void opened.push(() => one.stop()));
        return gate;
      },
      leaving() {
        leaving ??= leave(stand);
        return leaving;
      },
      async caller() {
        const [address = ""] = (await record()).addresses;
        const caller = await openCaller(address);
        callers.add(caller);
        return caller;
      },
      async frontend() {
        if ((await record()).forward !== ForwardMode.UNARY) throw new Skipped("the server is asked over links");
        return await stand.caller();
      },
      hangUp() {
        for (const caller of callers) caller.close();
        callers.clear();
      },
      fresh: (what) => `${what} ${run} ${names++}`,
    };
    return stand;
  } catch (reason) {
    await close();
    throw reason;
  }
}
