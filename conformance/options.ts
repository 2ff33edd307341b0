import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";

/** What is to be looked at, and how. */
export interface KitOptions {
  /** As "127.0.0.1:2379". */
  readonly endpoints: readonly string[];
  readonly prefix: string;
  /** Of the server. */
  readonly type: string;
  /** Of the cluster. */
  readonly tokens: readonly string[];
  /** Where the kit's own frontends listen: an address that the server can reach. */
  readonly host: string;
  /** The server's process, where it may be ended at the end. */
  readonly pid: number | undefined;
  /** Names of points, or of kinds of them ("record"); empty: all. */
  readonly only: readonly string[];
  /** How long the server may take to be there. */
  readonly waitMs: number;
  /** How long its process may take to end. */
  readonly leaveMs: number;
}

export const usage = `Usage: npm run conformance -- --discovery etcd://HOST:PORT [OPTIONS]

Looks whether a server of the chat's rooms (chat.v1), in whatever language, does what docs/cluster-protocol.md says.

  --discovery etcd://HOST:PORT[,HOST:PORT]  where the server has its record
  --prefix PREFIX      where the cluster's keys lie (/nano)
  --type TYPE          the type of the server, of which there is this one alone (room)
  --token-file FILE    the cluster's secrets, a line each
  --host HOST          where the kit's frontends listen, for the server to reach (127.0.0.1)
  --pid PID            the server's process: it is sent SIGTERM at last, and has to leave in good order
  --only NAME[,NAME]   points, or all of a kind: session.bind,record
  --wait SECONDS       how long the server may take to be there (30)
  --leave SECONDS      how long its process may take to end (40)
  --json               prints the results as JSON
  --list               prints the points, and looks at nothing`;

/** What the command line says. */
export interface Flags {
  readonly options: KitOptions;
  readonly json: boolean;
  readonly list: boolean;
  readonly help: boolean;
}

/** Throws TypeError where it makes no sense. */
export function readFlags(args: readonly string[]): Flags {
  const { values } = parseArgs({
    args: [...args],
    options: {
      discovery: { type: "string" },
      prefix: { type: "string", default: "/nano" },
      type: { type: "string", default: "room" },
      "token-file": { type: "string" },
      host: { type: "string", default: "127.0.0.1" },
      pid: { type: "string" },
      only: { type: "string", default: "" },
      wait: { type: "string", default: "30" },
      leave: { type: "string", default: "40" },
      json: { type: "boolean", default: false },
      list: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const { discovery = "", prefix, type, host, json, list, help } = values;
  const endpoints = /^etcd:\/\/(.+)$/.exec(discovery)?.[1]?.split(",") ?? [];
  if (endpoints.length === 0 && !list && !help) throw new TypeError(`--discovery is etcd://HOST:PORT, not "${discovery}"`);
  const tokens =
    values["token-file"] === undefined
      ? []
      : readFileSync(values["token-file"], "utf8")
          .trim()
          .split(/\s*\n\s*/);
  const pid = values.pid === undefined ? undefined : wholeNumber("pid", values.pid);
  const only = values.only.split(",").filter((name) => name !== "");
  const [waitMs, leaveMs] = [wholeNumber("wait", values.wait) * 1_000, wholeNumber("leave", values.leave) * 1_000];
  return { options: { endpoints, prefix, type, tokens, host, pid, only, waitMs, leaveMs }, json, list, help };
}

function wholeNumber(name: string, text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new TypeError(`--${name} is a whole number from 1, not "${text}"`);
  return Number(text);
}
