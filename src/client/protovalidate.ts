// Every rule of the schema, for clients that want more than what is printed: a library of its own, loaded when it is asked for.
import type { SchemaCheck } from "../contract/index.ts";
import { loadRulesLibrary } from "../validation/index.ts";

/** Loads protovalidate, and checks messages by all the rules of their schema: `createClient({ check: await protovalidate() })`. */
export async function protovalidate(): Promise<SchemaCheck> {
  const { check } = await loadRulesLibrary();
  return check;
}
