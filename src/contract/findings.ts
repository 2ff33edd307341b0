import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type FieldPathElementSchema, type Violation, ViolationSchema } from "../../gen/buf/validate/validate_pb.ts";

/**
 * A step to a field: its name in the .proto, its number, its type as descriptors have it, and in a list the index of the item. Of a oneof the
 * name alone.
 */
export type FieldStep = readonly [name: string, number?: number, type?: number, index?: number];

/** Who sends nonsense is told what is wrong with it, not all of it: an answer must not be larger than what was asked. */
export const mostViolations = 16;

/** What printed checks have found wrong with one message. */
export class Findings {
  readonly #violations: Violation[] = [];
  readonly #path: FieldStep[] = [];

  /** In the order of the fields; the first 16. */
  get violations(): readonly Violation[] {
    return this.#violations;
  }

  /** Goes on to the message in a field. */
  enter(field: FieldStep): void {
    this.#path.push(field);
  }

  leave(): void {
    this.#path.pop();
  }

  /** A field breaks a rule. */
  add(field: FieldStep, ruleId: string, message: string, rule: readonly FieldStep[]): void {
    if (this.#violations.length >= mostViolations) return;
    this.#violations.push(
      create(ViolationSchema, {
        field: { elements: [...this.#path, field].map(element) },
        ...(rule.length > 0 ? { rule: { elements: rule.map(element) } } : {}),
        ruleId,
        message,
        forKey: false,
      }),
    );
  }
}

function element([fieldName, fieldNumber, fieldType, index]: FieldStep): MessageInitShape<typeof FieldPathElementSchema> {
  return {
    fieldName,
    ...(fieldNumber === undefined ? {} : { fieldNumber }),
    ...(fieldType === undefined ? {} : { fieldType }),
    ...(index === undefined ? {} : { subscript: { case: "index", value: BigInt(index) } }),
  };
}
