import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Target } from "./target.ts";

const root = fileURLToPath(new URL("../corpus/", import.meta.url));

/** A file of a target's corpus. */
export interface Entry {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** All files of a target, by name. */
export function readCorpus({ name }: Pick<Target, "name">): Entry[] {
  return readdirSync(`${root}${name}`)
    .sort()
    .map((file) => ({ name: file, bytes: Uint8Array.from(readFileSync(`${root}${name}/${file}`)) }));
}

/** Writes an input into a target's corpus, and gives the file's path. */
export function addToCorpus({ name }: Pick<Target, "name">, as: string, bytes: Uint8Array): string {
  mkdirSync(`${root}${name}`, { recursive: true });
  const path = `${root}${name}/${as}.bin`;
  writeFileSync(path, bytes);
  return path;
}
