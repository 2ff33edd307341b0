import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { CommandError } from "./command.ts";

/** What a module of the application exports. @throws CommandError Where it cannot be imported. */
export async function importModule(path: string): Promise<object> {
  try {
    return await import(pathToFileURL(resolve(path)).href);
  } catch (reason) {
    throw new CommandError(`${path} cannot be read: ${reason instanceof Error ? reason.message : reason}`);
  }
}
