import { type DescField, type DescMessage, type DescOneof, getOption, hasOption } from "@bufbuild/protobuf";
import {
  type FieldRules,
  field as fieldOption,
  type MessageRules,
  message as messageOption,
  oneof as oneofOption,
} from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";

/** The rules that stand beside a field, as they are in its option; undefined where there are none. */
export function fieldRules(field: DescField): FieldRules | undefined {
  return hasOption(field, fieldOption) ? getOption(field, fieldOption) : undefined;
}

/** The rules of a whole message, as they are in its option; undefined where there are none. */
export function messageRules(message: DescMessage): MessageRules | undefined {
  return hasOption(message, messageOption) ? getOption(message, messageOption) : undefined;
}

/** Whether one member of a oneof must be set. */
export function oneofRequired(oneof: DescOneof): boolean {
  return hasOption(oneof, oneofOption) && getOption(oneof, oneofOption).required;
}

/** Whether rules stand in a message itself: of it, of one of its fields or of a oneof. */
export function isRuled(message: DescMessage): boolean {
  const { fields, oneofs } = message;
  return (
    hasOption(message, messageOption) ||
    fields.some((field) => hasOption(field, fieldOption)) ||
    oneofs.some((oneof) => hasOption(oneof, oneofOption))
  );
}
