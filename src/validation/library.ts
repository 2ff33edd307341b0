import { create, createRegistry, type DescFile, type DescMessage, type Message, type Registry } from "@bufbuild/protobuf";
import type { Validator } from "@bufbuild/protovalidate";
import { mostViolations, violationsError } from "../contract/index.ts";
import type { NanoError } from "../error/index.ts";
import { fileText, withImports } from "./file-text.ts";

/** Checks any message by all the rules of its schema. */
export interface RulesLibrary {
  /** Compiles the rules of a message and of all that it may hold. Throws a TypeError on rules that make no sense. */
  compile(schema: DescMessage): void;
  /** Throws where a rule cannot be worked out for the message. */
  check(schema: DescMessage, message: Message): NanoError | undefined;
}

/** Loads protovalidate: with its expression language it takes a tenth of a second and 8 MB, which schemas without rules do not need. */
export async function loadRulesLibrary(): Promise<RulesLibrary> {
  const { createValidator, violationsToProto } = await import("@bufbuild/protovalidate");
  const compiled = new Map<string, Compiled>();
  const ofFile = new WeakMap<DescFile, Compiled>();

  // Rules that an application has defined itself are extensions, found in the file or in what it imports.
  function compiledOf(file: DescFile): Compiled {
    const known = ofFile.get(file);
    if (known) return known;
    const text = fileText(file);
    let made = compiled.get(text);
    if (!made) {
      const registry = createRegistry(...withImports(file));
      made = { registry, validator: createValidator({ registry }) };
      compiled.set(text, made);
    }
    ofFile.set(file, made);
    return made;
  }

  // The same file of another version of a server is not compiled again: that takes long, and clients wait meanwhile.
  function validate(schema: DescMessage, message: Message): ReturnType<Validator["validate"]> {
    const { registry, validator } = compiledOf(schema.file);
    return validator.validate(registry.getMessage(schema.typeName) ?? schema, message);
  }

  return {
    compile(schema) {
      const { error } = validate(schema, create(schema));
      if (error?.name === "CompilationError")
        throw new TypeError(`the rules of ${schema.typeName} make no sense: ${error.message}`, { cause: error });
    },
    check(schema, message) {
      const result = validate(schema, message);
      if (result.kind === "valid") return undefined;
      if (result.kind === "invalid")
        return violationsError(violationsToProto(result.violations.slice(0, mostViolations))[0].violations);
      throw new Error(`the rules of ${schema.typeName} cannot be worked out: ${result.error.message}`, { cause: result.error });
    },
  };
}

/** A file whose rules are compiled, or will be. */
interface Compiled {
  readonly registry: Registry;
  readonly validator: Validator;
}
