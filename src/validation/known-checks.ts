import type { DescMessage, Message } from "@bufbuild/protobuf";
import { type Check, type Codec, type HandlerService, printedCheck } from "../contract/index.ts";
import { fileText } from "./file-text.ts";

/** How a message is read and checked by code that was printed for it. */
export interface KnownCheck {
  readonly codec: Pick<Codec<Message>, "decode">;
  readonly check: Check;
}

/** The printed checks of services that other servers answer. */
export interface KnownChecks {
  /** The check of a message of another server's schema; undefined where none is known, or it was printed from another version of the schema. */
  of(schema: DescMessage): KnownCheck | undefined;
}

/** Only checks that find all are known: of a message with rules that are not printed the library finds more. */
export function createKnownChecks(services: readonly HandlerService<unknown>[]): KnownChecks {
  const printed = new Map<string, { readonly known: KnownCheck; readonly schema: DescMessage }>();
  for (const { methods } of services) {
    for (const { input, check } of Object.values(methods)) {
      if (check) printed.set(check.type, { known: { codec: input, check: printedCheck(check) }, schema: input.schema });
    }
  }
  const found = new WeakMap<DescMessage, KnownCheck | "none">();

  function find(schema: DescMessage): KnownCheck | "none" {
    const own = printed.get(schema.typeName);
    return own && fileText(own.schema.file) === fileText(schema.file) ? own.known : "none";
  }

  return {
    of(schema) {
      if (printed.size === 0) return undefined;
      let known = found.get(schema);
      if (!known) {
        known = find(schema);
        found.set(schema, known);
      }
      return known === "none" ? undefined : known;
    },
  };
}
