import { type Clock, within } from "../clock/index.ts";
import type { ServerInfo } from "../discovery/index.ts";
import type { Link } from "../link/index.ts";
import type { Directory } from "../router/index.ts";

/** Whether a frontend reaches the servers that answer its clients. */
export interface LinkCheck {
  /** The types of which servers are ready, and none was reached when somebody looked, nor has been since. */
  readonly missing: readonly string[];
  /** Looks, for at most half a second: where there is no link to any server of a type, some are dialed. Never rejects. */
  look(): Promise<void>;
}

/** What is looked at. */
export interface LinkCheckOptions {
  readonly clock: Clock;
  readonly incarnation: bigint;
  readonly isFrontend: boolean;
  /** What the server answers itself. */
  readonly types: readonly string[];
  readonly directory: Pick<Directory, "clientRoutes" | "ofType">;
  linkOf(server: ServerInfo): Link | undefined;
  linkTo(server: ServerInfo): Promise<Link>;
}

// A probe waits for a second by default.
const lookMs = 500;
const mostDials = 8;

/** Nobody has looked. */
export function createLinkCheck(options: LinkCheckOptions): LinkCheck {
  const { clock, directory, linkOf, linkTo } = options;
  const failed = new Set<string>();
  let turn = 0;

  // A type without any server that is ready is not this server's fault: the routes of a room that restarts are `unavailable` at every frontend.
  const ready = (type: string): readonly ServerInfo[] =>
    directory.ofType(type).filter(({ state, incarnation }) => state === "ready" && incarnation !== options.incarnation);
  const isMissing = (type: string): boolean => {
    const servers = ready(type);
    return servers.length > 0 && !servers.some((server) => linkOf(server));
  };

  /** Those that answer clients. A server without clients needs nobody: others come to it. */
  function needed(): readonly string[] {
    if (!options.isFrontend) return [];
    const types = new Set(directory.clientRoutes.map(({ server }) => server));
    return [...types].filter((type) => !options.types.includes(type));
  }

  async function dial(type: string): Promise<void> {
    const servers = ready(type);
    // Of many not always the same.
    const from = turn++ % servers.length;
    const some = [...servers.slice(from), ...servers.slice(0, from)].slice(0, mostDials);
    await Promise.any(some.map((server) => linkTo(server))).catch(() => {});
  }

  return {
    get missing() {
      return [...failed].filter(isMissing);
    },
    async look() {
      const without = needed().filter(isMissing);
      await within(clock, lookMs, Promise.all(without.map(dial)), () => []);
      failed.clear();
      for (const type of without) if (isMissing(type)) failed.add(type);
    },
  };
}
