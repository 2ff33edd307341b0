import { statSync } from "node:fs";

/** Whether a path is one of specs: a file of JSON, or a folder. */
export function isSpecs(path: string): boolean {
  return path.endsWith(".json") || (statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false);
}
