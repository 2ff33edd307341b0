import { type DescMessage, toBinary } from "@bufbuild/protobuf";
import { NanoError } from "../error/index.ts";
import type { ClientFamily } from "../handshake/index.ts";
import type { WholeMessage } from "./whole-message.ts";

/** What an error answers, and whom. */
export interface ErrorAbout {
  /** As the client named it. */
  readonly route: string;
  readonly family: ClientFamily;
}

/**
 * Says how an error is told to a client: another error (other words, another code), or a body of the application's own, as clients of
 * another server expect it. nano's clients read nano's errors alone. Where it throws, that is logged, and the error told as it was.
 */
export type DescribeError = (error: NanoError, about: ErrorAbout) => NanoError | WholeMessage;

/** An error as it is told: nano's own, or a protobuf body of the application's. */
export type DescribedError = NanoError | { readonly schema: DescMessage; readonly body: Uint8Array };

/** @param failed Hears what the application's function threw. */
export function createDescriber(
  describe: DescribeError | undefined,
  failed: (reason: unknown) => void,
): (error: NanoError, about: ErrorAbout) => DescribedError {
  if (!describe) return (error) => error;
  return (error, about) => {
    try {
      const told = describe(error, about);
      return told instanceof NanoError ? told : { schema: told.schema, body: toBinary(told.schema, told.message) };
    } catch (reason) {
      failed(reason);
      return error;
    }
  };
}
