import { readFileSync } from "node:fs";
import { kill } from "node:process";
import { ForwardMode } from "../gen/nano/cluster/v1/record_pb.ts";
import { join, told } from "./chat.ts";
import { patienceMs, until } from "./patience.ts";
import { Skipped } from "./point.ts";
import type { Stand } from "./stand.ts";

/** How a server has left. */
export interface Leaving {
  /** What the others have heard of it, from before it was told to. */
  readonly states: readonly string[];
  /** What became of a request that it had begun with before. Undefined: nobody could hold one back. */
  readonly inFlight: string | undefined;
  /** Whether its process has ended. */
  readonly ended: boolean;
  /** Whether its record was gone then. */
  readonly recordGone: boolean;
}

/** Tells the server's process to end, and looks on. Throws Skipped where nobody has said which it is. */
export async function leave(stand: Stand): Promise<Leaving> {
  const { options, states, registry, probe, token, fresh } = stand;
  const { pid, type, leaveMs } = options;
  if (pid === undefined) throw new Skipped("--pid does not say which process to end");
  const from = Math.max(0, states.length - 1);
  const plain = (await stand.record()).forward === ForwardMode.UNARY;
  const session = probe.session();
  const held = Promise.withResolvers<void>();
  session.hold = { ask: "Bind", until: held.promise };
  const joining = plain
    ? join({ caller: await stand.frontend(), session, token }, fresh("room"), "ann").catch(String)
    : undefined;
  try {
    if (joining) await until("Join has begun", () => session.asked.includes("Bind"));
    kill(pid, "SIGTERM");
    await until("it says that it drains", () => states.at(-1) !== "ready" || isOver(pid), patienceMs).catch(() => {});
  } finally {
    held.resolve();
  }
  const answer = await joining;
  const inFlight = answer === undefined || typeof answer === "string" ? answer : answer.code === "ok" ? "ok" : told(answer);
  const ended = await until("it has ended", () => isOver(pid), leaveMs).catch(() => false);
  const recordGone = (await registry.servers(type)).length === 0;
  if (recordGone) await until("the others hear that it has gone", () => states.at(-1) === "gone").catch(() => {});
  return { states: states.slice(from), inFlight, ended, recordGone };
}

/** Whether a process is there no more, or has only nobody who asks for its exit code. */
function isOver(pid: number): boolean {
  try {
    kill(pid, 0);
  } catch {
    return true;
  }
  try {
    return /^\d+ \(.*\) [ZX] /s.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}
