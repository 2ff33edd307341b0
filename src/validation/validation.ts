import type { DescMessage } from "@bufbuild/protobuf";
import type { Check } from "../contract/index.ts";
import { loadRulesLibrary, type RulesLibrary } from "./library.ts";
import { hasRules } from "./rules.ts";

/** Checks messages by the rules that stand in their schema. */
export interface Validation {
  /**
   * How a message of a method is checked; undefined where it has no rules, or the method says that it is not.
   *
   * @param said What the method says, if anything.
   */
  checkOf(schema: DescMessage, said: boolean | undefined): Check | undefined;
  /** Compiles the rules of all that was asked for, so that no message waits for that. Rejects with a TypeError on rules that make no sense. */
  ready(): Promise<void>;
}

/** Nothing is loaded before a message with rules is asked for. */
export function createValidation(): Validation {
  const checks = new WeakMap<DescMessage, Check | "none">();
  const uncompiled = new Set<DescMessage>();
  let loading: Promise<RulesLibrary> | undefined;
  let library: RulesLibrary | undefined;

  function make(schema: DescMessage): Check | "none" {
    if (!hasRules(schema)) return "none";
    uncompiled.add(schema);
    return (message) => {
      if (!library) throw new Error(`the rules of ${schema.typeName} are not loaded yet`);
      return library.check(schema, message);
    };
  }

  return {
    checkOf(schema, said) {
      if (said === false) return undefined;
      let check = checks.get(schema);
      if (!check) {
        check = make(schema);
        checks.set(schema, check);
      }
      return check === "none" ? undefined : check;
    },
    async ready() {
      if (uncompiled.size === 0) return;
      loading ??= loadRulesLibrary();
      library = await loading;
      for (const schema of uncompiled) {
        uncompiled.delete(schema);
        library.compile(schema);
      }
    },
  };
}
