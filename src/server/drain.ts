import { create } from "@bufbuild/protobuf";
import { DrainSchema } from "../../gen/nano/cluster/v1/link_pb.ts";
import type { Backend } from "../backend/index.ts";
import { type Clock, sleep, within } from "../clock/index.ts";
import type { Server } from "../context/index.ts";
import type { Frontend } from "../frontend/index.ts";
import type { Handlers } from "../handler/index.ts";
import { ask, type Link, type LinkHub } from "../link/index.ts";
import type { Logger } from "../logger/index.ts";
import type { Lifecycles } from "../module/index.ts";
import type { Remotes } from "../remote/index.ts";
import type { Directory, Ownership, Router } from "../router/index.ts";
import type { Grace } from "./grace.ts";

/** What is drained. */
export interface DrainOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly incarnation: bigint;
  /** Asked when it begins: nobody has to know the server before it has started. */
  readonly server: () => Server;
  /** Writes the record, which says by then that the server drains. */
  readonly update: () => Promise<void>;
  readonly directory: Directory;
  readonly router: Pick<Router, "homeless">;
  readonly hub: LinkHub | undefined;
  readonly lifecycles: Lifecycles;
  readonly frontend: Frontend | undefined;
  readonly backend: Backend;
  readonly handlers: Handlers;
  readonly remotes: Remotes;
  readonly ownership: Ownership;
}

/** One after the other, under one deadline: when that has passed, those that are left do what takes no time. */
interface DrainStep {
  readonly name: string;
  run(grace: Grace): Promise<unknown>;
}

const tellMs = 3_000;
// As long as whoever has no link here may need to read in the record that this server drains.
const readMs = 250;

/** What drains a server. */
export interface Drain {
  /** Never rejects, and is over at the deadline. */
  run(grace: Grace): Promise<void>;
  /** A link has opened meanwhile: whoever is at its other end did not know. */
  linkOpened(link: Link): void;
}

/** Makes it. */
export function createDrain(options: DrainOptions): Drain {
  const { clock, log, directory, router, hub, lifecycles, frontend, backend, handlers, remotes, ownership } = options;

  async function tellRecord(): Promise<void> {
    const late = (): void => log.warn({}, "discovery was not told of the drain in time");
    // A registry that is away must not hold up the end.
    await within(clock, tellMs, options.update(), late).catch((reason: unknown) =>
      log.warn({ err: reason }, "discovery was not told of the drain"),
    );
  }

  let homeless = false;

  /** Whether it knows for certain: whatever it had sent before is here by then. */
  async function tellPeer(link: Link): Promise<boolean> {
    try {
      await ask(link, clock.now() + tellMs, (call) =>
        link.send({ case: "drain", value: create(DrainSchema, { call, homeless }) }),
      );
      return true;
    } catch (reason) {
      log.warn({ err: reason, peer: link.peer.id }, "a server was not told of the drain");
      return false;
    }
  }

  async function tellPeers(): Promise<ReadonlySet<bigint>> {
    const links = [...(hub?.links() ?? [])];
    const told = await Promise.all(links.map(tellPeer));
    return new Set(links.filter((_link, at) => told[at]).map((link) => link.peer.incarnation));
  }

  async function tell(): Promise<void> {
    frontend?.pause();
    ownership.pause();
    directory.drains(options.incarnation);
    const [told] = await Promise.all([tellPeers(), tellRecord()]);
    const others = directory.servers.filter(({ incarnation }) => incarnation !== options.incarnation);
    if (hub && others.some(({ incarnation }) => !told.has(incarnation))) await sleep(clock, readMs);
  }

  // Whoever remembers a home here would send a call in the very moment in which the link closes.
  async function tellHomeless(): Promise<void> {
    homeless = true;
    router.homeless(options.incarnation);
    await tellPeers();
  }

  const atRest = (): boolean => handlers.pending === 0 && remotes.pending === 0 && backend.ending === 0;

  const steps: readonly DrainStep[] = [
    { name: "telling the others", run: tell },
    {
      name: "onDrain",
      async run(grace) {
        // Where rooms take all the time, there must be some left to let clients go one by one.
        const time = grace.but(frontend?.moveMs(grace.leftMs) ?? 0);
        await time.reaches(lifecycles.onDrain(options.server(), time));
      },
    },
    { name: "releasing owned keys", run: (grace) => ownership.releaseAll(clock.now() + grace.leftMs) },
    { name: "telling that no key is here", run: tellHomeless },
    { name: "letting clients go", run: async (grace) => frontend?.move(grace) },
    { name: "serving sessions that are stuck here", run: (grace) => grace.until(() => backend.stuck === 0) },
    { name: "answering calls", run: (grace) => grace.until(() => atRest() && (hub?.confirmed() ?? true)) },
  ];

  async function run(grace: Grace): Promise<void> {
    for (const { name, run } of steps) {
      const begunInTime = !grace.isOver;
      log.debug({ step: name, leftMs: grace.leftMs }, "draining");
      try {
        const done = await grace.reaches(run(grace));
        if (!done && begunInTime) log.warn({ step: name }, "the time of the drain is over: what is left is cut short");
      } catch (reason) {
        log.error({ err: reason, step: name }, "a step of the drain failed");
      }
    }
    grace.cancel();
  }

  return { run, linkOpened: (link) => void tellPeer(link) };
}
