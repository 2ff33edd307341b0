import { readdirSync, readFileSync } from "node:fs";

/** How many more sockets the system lets this process open; undefined where it does not say. */
export function spareDescriptors(): number | undefined {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "latin1"))?.[1];
    return soft === undefined ? undefined : Number(soft) - readdirSync("/proc/self/fd").length;
  } catch {
    return undefined;
  }
}
