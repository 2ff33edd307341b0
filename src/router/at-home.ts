import type { DescMessage } from "@bufbuild/protobuf";
import { NanoError } from "../error/index.ts";
import { readKey } from "./key.ts";
import type { Home, Ownership } from "./ownership.ts";

/** How the key of a method is found, where it is owned. */
export interface OwnedBy {
  /** The server type that owns it. */
  readonly type: string;
  readonly input: DescMessage;
  /** The field's local name. */
  readonly field: string;
}

/** Goes on where the message's key is at home here: at once, or when it has been claimed. Hears WrongServer where it is at home elsewhere. */
export function atHome(
  ownership: Pick<Ownership, "enter">,
  { type, input, field }: OwnedBy,
  body: Uint8Array,
  begin: (home: Home) => void,
  failed: (reason: NanoError) => void,
): void {
  let home: Home | Promise<Home>;
  try {
    home = ownership.enter(type, readKey(input, field, body));
  } catch (reason) {
    return failed(NanoError.from(reason));
  }
  if (home instanceof Promise) home.then(begin, (reason: unknown) => failed(NanoError.from(reason)));
  else begin(home);
}
