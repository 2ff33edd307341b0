import { spawnSync } from "node:child_process";
import { type Child, startChild } from "../support/child.ts";

const folder = "examples/go-room";

/** Makes what the room needs: once, and again where it has changed. Gives the reason where that cannot be. */
export function setUpGoRoom(): string | undefined {
  const { status, stderr } = spawnSync(`${folder}/setup.sh`, { encoding: "utf8", timeout: 600_000 });
  if (status === 0) return undefined;
  return stderr?.trim().split("\n").at(-1) || "setup.sh does not end";
}

/** Starts the room in Go, with the flags of its README. */
export function startGoRoom(flags: readonly string[]): Child {
  return startChild(`${folder}/bin/go-room`, flags);
}
