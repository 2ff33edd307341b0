import { execFileSync, spawnSync } from "node:child_process";
import type { MemberOptions } from "./cluster.ts";

/** One machine of a network. */
export interface Place {
  /** Its address. */
  readonly host: string;
  /** What stands before a command to run it there. */
  readonly within: readonly string[];
}

/** Namespaces on a bridge, each as good as a machine of its own, and walls between them. */
export interface Network {
  /** The address of this process in it. */
  readonly hub: string;
  place(): Place;
  /** From now on packets from one to the other get lost. The way back is another wall. */
  wall(from: Place, to: Place): void;
  /** Takes every wall away. */
  heal(): void;
  close(): void;
}

/** Why there can be no namespaces here; undefined where there can. */
export function whyNoNamespaces(): string | undefined {
  if (process.getuid?.() !== 0) return "it needs root, for network namespaces";
  for (const [command, debian] of [
    ["ip", "iproute2"],
    ["iptables", "iptables"],
  ] as const) {
    if (spawnSync("sh", ["-c", `command -v ${command}`]).status !== 0) {
      return `it needs ${command} (Debian: apt-get install ${debian})`;
    }
  }
  const probe = `nano-probe-${process.pid}`;
  const made = spawnSync("ip", ["netns", "add", probe], { encoding: "utf8" });
  if (made.status !== 0) return `no network namespace can be made: ${made.stderr.trim()}`;
  spawnSync("ip", ["netns", "delete", probe]);
  return undefined;
}

let networks = 0;

/** Of the block that is set aside for tests of networks (RFC 2544). */
export function createNetwork(): Network {
  // The names of one that was taken away may stay for a moment.
  const own = `${process.pid % 1_000}${(networks++).toString(36)}`;
  const subnet = `198.18.${(process.pid + networks) % 250}`;
  const bridge = `nanob${own}`;
  const places: { readonly name: string; readonly outside: string; readonly walls: string[][] }[] = [];
  const run = (...words: readonly string[]): void => {
    const [command = "", ...args] = words;
    execFileSync(command, args, { stdio: ["ignore", "ignore", "pipe"] });
  };
  run("ip", "link", "add", bridge, "type", "bridge");
  run("ip", "address", "add", `${subnet}.1/24`, "dev", bridge);
  run("ip", "link", "set", bridge, "up");
  const byHost = new Map<string, (typeof places)[number]>();
  return {
    hub: `${subnet}.1`,
    place() {
      const number = places.length + 2;
      const [name, host] = [`nano${own}n${number}`, `${subnet}.${number}`];
      const [outside, inside] = [`nano${own}v${number}`, `nano${own}w${number}`];
      const within = ["ip", "netns", "exec", name];
      const place = { name, outside, walls: [] };
      places.push(place);
      byHost.set(host, place);
      run("ip", "netns", "add", name);
      run("ip", "link", "add", outside, "type", "veth", "peer", "name", inside, "netns", name);
      run("ip", "link", "set", outside, "master", bridge, "up");
      run(...within, "ip", "address", "add", `${host}/24`, "dev", inside);
      run(...within, "ip", "link", "set", inside, "up");
      run(...within, "ip", "link", "set", "lo", "up");
      return { host, within };
    },
    wall(from, to) {
      const rule = ["INPUT", "-s", from.host, "-j", "DROP"];
      run(...to.within, "iptables", "-A", ...rule);
      byHost.get(to.host)?.walls.push([...to.within, "iptables", "-D", ...rule]);
    },
    heal() {
      for (const { walls } of places) for (const wall of walls.splice(0)) run(...wall);
    },
    close() {
      for (const { name, outside } of places) {
        // Sockets that nobody has answered keep a namespace, and its wire, for minutes.
        spawnSync("ip", ["link", "delete", outside]);
        spawnSync("ip", ["netns", "delete", name]);
      }
      spawnSync("ip", ["link", "delete", bridge]);
    },
  };
}

/** How a server is started on a machine of a network: strangers could reach it, so there is a secret. */
export function at(place: Place, endpoint: string): MemberOptions {
  return { ...place, endpoint, tokens: ["only the servers of this network know it"] };
}
