import type { DescMessage, Message } from "@bufbuild/protobuf";
import type { NanoError } from "../error/index.ts";
import { Findings } from "./findings.ts";
import { violationsError } from "./violations.ts";

/** Looks for what is wrong with the messages of one type, by rules of the schema that were printed as code. */
export interface MessageCheck<M extends Message> {
  /** As "chat.v1.JoinRequest". */
  readonly type: string;
  check(message: M, found: Findings): void;
}

/** Says what is wrong with a message: `invalid_argument` with its violations as detail, or nothing. */
export type Check = (message: Message) => NanoError | undefined;

/** The same for messages of several types. */
export type SchemaCheck = (schema: DescMessage, message: Message) => NanoError | undefined;

/** A check that was printed, as one that answers. */
export function printedCheck(printed: MessageCheck<Message>): Check {
  return (message) => {
    const found = new Findings();
    printed.check(message, found);
    return found.violations.length > 0 ? violationsError(found.violations) : undefined;
  };
}

/**
 * Checks messages by what was printed into `*_check.ts`: `printedChecks(...RoomChecks, ...ShopChecks)`. Of a message that none of them is for, it
 * says nothing.
 */
export function printedChecks(...printed: readonly MessageCheck<Message>[]): SchemaCheck {
  const checks = new Map(printed.map((one) => [one.type, printedCheck(one)] as const));
  return ({ typeName }, message) => checks.get(typeName)?.(message);
}
