import { execFileSync, spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { until } from "../net/recorder.ts";

/** A terminal of tmux: a real one, with a screen that can be read. */
export interface Terminal {
  /** Keys by tmux' names, as "Tab" or "C-c". */
  press(...keys: readonly string[]): void;
  /** Types text as it is. */
  type(text: string): void;
  /** All that stands on it; with its colours, as sequences, where they are asked for. */
  screen(options?: { readonly colours: boolean }): string;
  /** Whether its program still runs. */
  isOpen(): boolean;
  /** Waits until a text, or something of a form, stands on it. */
  shows(what: string | RegExp): Promise<void>;
  close(): void;
}

/** Whether tmux is there. */
export function hasTmux(): boolean {
  return spawnSync("tmux", ["-V"]).status === 0;
}

/** Runs a program in a terminal of 110 columns and 40 lines. */
export function openTerminal(command: readonly string[], env: Readonly<Record<string, string>>): Terminal {
  // A server of its own, so that nobody else's is in the way.
  const name = `nano-${randomUUID()}`;
  const tmux = (...args: readonly string[]): string =>
    execFileSync("tmux", ["-L", name, "-f", "/dev/null", ...args], { encoding: "utf8" });
  const flags = Object.entries(env).flatMap(([key, value]) => ["-e", `${key}=${value}`]);
  tmux("new-session", "-d", "-x", "110", "-y", "40", ...flags, ...command);
  const screen = (options = { colours: false }): string => tmux("capture-pane", options.colours ? "-pe" : "-p");
  return {
    press: (...keys) => void tmux("send-keys", ...keys),
    type: (text) => void tmux("send-keys", "-l", text),
    screen,
    isOpen: () => spawnSync("tmux", ["-L", name, "has-session"]).status === 0,
    shows: (what) => until(() => (typeof what === "string" ? screen().includes(what) : what.test(screen())), 20_000).toBe(true),
    close: () => void spawnSync("tmux", ["-L", name, "kill-server"]),
  };
}
