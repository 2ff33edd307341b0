import { type ChildProcess, fork } from "node:child_process";
import { extname, join } from "node:path";
import { NanoError } from "../error/index.ts";
import { createMeetings } from "./meetings.ts";
import type { Plan } from "./plan.ts";
import type { Share } from "./play-share.ts";
import type { Tally } from "./tally.ts";

/** What a process of a crew is told. */
export type Order =
  | { readonly is: "plan"; readonly plan: Plan; readonly share: Share }
  | { readonly is: "go" }
  | { readonly is: "end" }
  | { readonly is: "met"; readonly id: number };

/** What it tells. */
export type Word =
  | { readonly is: "ready" }
  | { readonly is: "tally"; readonly tally: Tally }
  | { readonly is: "meet"; readonly id: number; readonly place: string; readonly count: number }
  | { readonly is: "left"; readonly id: number }
  | { readonly is: "over" };

/** Who hears of a crew. */
export interface CrewOptions {
  /** Ends the run early. */
  readonly signal: AbortSignal;
  /** Hears what a process has seen. */
  readonly told: (tally: Tally, from: number) => void;
  /** All are ready, and begin now. */
  readonly go: () => void;
  /** One of them is through. */
  readonly over: () => void;
}

// Room for garbage: what thousands of users rest with is moved each time that it is full.
const roomy = "--max-semi-space-size=128";

/**
 * Plays a plan in processes of its own, which begin together: none shares its core with the screen, or its garbage. Users meet each other wherever they are.
 *
 * @throws Error Where a process ends before it is through: its figures are missing.
 */
export async function playInCrew(plan: Plan, processes: number, { signal, told, ...heard }: CrewOptions): Promise<void> {
  const meetings = createMeetings();
  const children: ChildProcess[] = [];
  const tell = (child: ChildProcess, order: Order): void => {
    if (child.connected) child.send(order);
  };
  const tellAll = (order: Order): void => {
    for (const child of children) tell(child, order);
  };
  let ready = 0;
  const end = (): void => tellAll({ is: "end" });
  try {
    await Promise.all(
      Array.from({ length: processes }, (_, at) => {
        return new Promise<void>((resolve, reject) => {
          const child = fork(join(import.meta.dirname, `worker${extname(import.meta.filename)}`), [], {
            serialization: "advanced",
            // What whoever called says himself comes last, and holds.
            execArgv: [roomy, ...process.execArgv],
          });
          children.push(child);
          const waiting = new Map<number, AbortController>();
          let over = false;
          child.once("error", reject);
          child.once("exit", (code, killed) => {
            for (const leave of waiting.values()) leave.abort();
            if (over) resolve();
            else reject(new Error(`process ${at + 1} of ${processes} ended early (${killed ?? code})`));
          });
          child.on("message", (word: Word) => {
            if (word.is === "tally") told(word.tally, at);
            else if (word.is === "ready") {
              if (++ready < processes) return;
              heard.go();
              tellAll({ is: "go" });
            } else if (word.is === "over") {
              over = true;
              heard.over();
            } else if (word.is === "left") waiting.get(word.id)?.abort();
            else {
              const leave = new AbortController();
              waiting.set(word.id, leave);
              const { id } = word;
              meetings
                .meet(word.place, word.count, leave.signal)
                .then(
                  () => tell(child, { is: "met", id }),
                  // Whoever left knows that it did.
                  (reason: unknown) => NanoError.from(reason),
                )
                .finally(() => waiting.delete(id));
            }
          });
          tell(child, { is: "plan", plan, share: { of: processes, at } });
          // It may have been given up while the scenario was read.
          if (signal.aborted) tell(child, { is: "end" });
          else signal.addEventListener("abort", end, { once: true });
        });
      }),
    );
  } finally {
    signal.removeEventListener("abort", end);
    for (const child of children) child.kill("SIGKILL");
  }
}
