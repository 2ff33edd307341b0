// A thread beside the server's: it sees that the server's event loop is blocked while it is, and looks where.
import { type Debugger, Session } from "node:inspector";
import { parentPort, workerData } from "node:worker_threads";
import { systemClock } from "../clock/index.ts";
import type { BlockedReport, WatchdogThreadData } from "./watchdog.ts";

// Whoever starts this thread gives it that.
const { beats, blockedMs, checkMs } = workerData as WatchdogThreadData;
const mostFrames = 16;

let seen = -1;
let sinceMs = systemClock.now();
let report: Promise<Omit<BlockedReport, "blockedMs">> | undefined;

systemClock.every(checkMs, () => {
  const nowMs = systemClock.now();
  const beat = Atomics.load(beats, 0);
  if (beat === seen) {
    if (nowMs - sinceMs >= blockedMs) report ??= look(beat);
    return;
  }
  const tookMs = Math.round(nowMs - sinceMs);
  const found = report;
  seen = beat;
  sinceMs = nowMs;
  report = undefined;
  void found?.then((where) => parentPort?.postMessage({ ...where, blockedMs: tookMs } satisfies BlockedReport));
});

// Keeps the thread alive; the server's thread ends it.
parentPort?.on("message", () => {});

/** Stops the server's thread for a moment, in the middle of what it does, and reads its stack. */
function look(beat: number): Promise<Omit<BlockedReport, "blockedMs">> {
  const session = new Session();
  return new Promise((resolve) => {
    // Frames name scripts by number alone; `enable` tells of all that are there.
    const files = new Map<string, string>();
    session.on("Debugger.scriptParsed", ({ params }) => void files.set(params.scriptId, params.url));
    const fileOf = ({ location }: Debugger.CallFrame): string => files.get(location.scriptId) ?? "";
    session.on("Debugger.paused", ({ params }) => {
      // It may have gone on before it was stopped: then this is the stack of something else.
      const still = Atomics.load(beats, 0) === beat;
      const call = params.callFrames.find(
        (frame) => frame.functionName === "answerTo" && /pipeline\/run\.[jt]s$/.test(fileOf(frame)),
      );
      const done = (route: string | undefined): void => {
        session.post("Debugger.resume");
        session.post("Debugger.disable");
        session.disconnect();
        const stack = params.callFrames.slice(0, mostFrames).map((frame) => shown(frame, fileOf(frame)));
        resolve(still ? { route, stack } : { route: undefined, stack: [] });
      };
      if (!call) return done(undefined);
      const { callFrameId } = call;
      session.post("Debugger.evaluateOnCallFrame", { callFrameId, expression: "entry.method.route" }, (_error, answer) =>
        done(typeof answer?.result.value === "string" ? answer.result.value : undefined),
      );
    });
    session.connectToMainThread();
    session.post("Debugger.enable", () => session.post("Debugger.pause"));
  });
}

function shown({ functionName, location }: Debugger.CallFrame, file: string): string {
  return `${functionName || "(anonymous)"} ${file}:${location.lineNumber + 1}`;
}
