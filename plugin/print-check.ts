import { type DescField, type DescFile, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import type { GeneratedFile, Printable } from "@bufbuild/protoplugin";
import { FieldRulesSchema } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { oneofRequired } from "../src/rules/index.ts";
import { codeName, fieldValue, isImplicit } from "./codec-model.ts";
import type { ServiceModel } from "./model.ts";
import { printedRules, type RuleModel } from "./rule-model.ts";
import type { Helper, RuleTest } from "./rule-tests.ts";

// Clients and servers have the same checks, so they come through the door that browsers know.
const door = "nano-rpc/client/codegen";

/** Prints `*_check.ts`: what messages must be by the rules of the schema, for clients before they send and for servers before they answer. */
export function printCheckFile(f: GeneratedFile, file: DescFile, services: readonly ServiceModel[], rules: RuleModel): void {
  const messages = rules.messagesOf(file);
  const checked = services
    .filter(({ kind }) => kind === "handler")
    .map((service) => [service, inputsOf(service, rules)] as const)
    .filter(([, inputs]) => inputs.length > 0);
  if (messages.length === 0 && checked.length === 0) return;
  f.preamble(file);
  for (const message of messages) printMessage(f, message, rules);
  for (const [{ name, desc }, inputs] of checked) {
    const type = [f.import("MessageCheck", door, true), "<", f.import("Message", "@bufbuild/protobuf", true), ">"];
    f.print(f.jsDoc(`What the messages of ${desc.typeName} are looked at by, before they are sent.`));
    f.print`${f.export("const", `${name}Checks`)}: readonly ${type}[] = ${f.array(inputs.map((input) => checkName(f, input)))};`;
    f.print();
  }
}

/** The check of a message, printed with its file. */
export function checkName(f: GeneratedFile, message: DescMessage): Printable {
  return f.import(`${codeName(message)}Check`, `./${message.file.name}_check.js`);
}

function inputsOf({ methods }: ServiceModel, rules: RuleModel): DescMessage[] {
  const checked = methods.filter(({ kind, policy }) => kind !== "push" && policy.validate !== false);
  return [...new Set(checked.map(({ desc }) => desc.input))].filter((input) => rules.isPrinted(input));
}

function printMessage(f: GeneratedFile, message: DescMessage, rules: RuleModel): void {
  const name = codeName(message);
  const shape = f.importShape(message);
  f.print(f.jsDoc(`Looks at a ${message.typeName} by its rules${rules.isWhole(message) ? "" : ", as far as they are printed"}.`));
  f.print`${f.export("const", `${name}Check`)}: ${f.import("MessageCheck", door, true)}<${shape}> = {`;
  f.print`  type: ${f.string(message.typeName)},`;
  f.print`  check: check${name},`;
  f.print("};");
  f.print();
  f.print`function check${name}(message: ${shape}, found: ${f.import("Findings", door, true)}): void {`;
  for (const field of message.fields) printField(f, field, rules);
  for (const oneof of message.oneofs) {
    if (!oneofRequired(oneof)) continue;
    f.print`  if (message.${oneof.localName}.case === undefined) {`;
    f.print`    found.add([${f.string(oneof.name)}], "required", "exactly one field is required in oneof", []);`;
    f.print("  }");
  }
  f.print("}");
  f.print();
}

function printField(f: GeneratedFile, field: DescField, rules: RuleModel): void {
  const { required, ifSet, tests, items, enters } = printedRules(field);
  const entered = enters && field.message && rules.isPrinted(field.message) ? field.message : undefined;
  const asked = tests.length > 0 || items.length > 0 || entered !== undefined;
  const step = stepOf(field);
  if (required) {
    f.print`  if (!(${isSet(field)})) {`;
    f.print`    found.add([${step}], "required", "value is required", ${ruleText([FieldRulesSchema.field.required])});`;
    f.print(asked ? "  } else {" : "  }");
  } else if (asked && ifSet) f.print`  if (${isSet(field)}) {`;
  if (!asked) return;
  const indent = required || ifSet ? "    " : "  ";
  const value = codeOf(field);
  printTests(f, tests, value, step, indent);
  if (field.fieldKind === "list" && (items.length > 0 || entered)) {
    f.print`${indent}for (const [index, value] of ${value}.entries()) {`;
    printTests(f, items, "value", `${step}, index`, `${indent}  `);
    if (entered) printEnter(f, entered, "value", `${step}, index`, field.parent.file, `${indent}  `);
    f.print`${indent}}`;
  } else if (entered) printEnter(f, entered, value, step, field.parent.file, indent);
  if (required || ifSet) f.print("  }");
}

function printTests(f: GeneratedFile, tests: readonly RuleTest[], value: string, step: string, indent: string): void {
  const helper: Helper = (name) => f.import(name, door);
  for (const { fails, id, message, rule } of tests) {
    f.print`${indent}if (${fails(value, helper)}) {`;
    f.print`${indent}  found.add([${step}], ${f.string(id)}, ${f.string(message)}, ${ruleText(rule)});`;
    f.print`${indent}}`;
  }
}

function printEnter(f: GeneratedFile, message: DescMessage, value: string, step: string, file: DescFile, indent: string): void {
  const check = message.file === file ? `check${codeName(message)}` : [checkName(f, message), ".check"];
  f.print`${indent}found.enter([${step}]);`;
  f.print`${indent}${check}(${value}, found);`;
  f.print`${indent}found.leave();`;
}

/** The code that gives a field's value. */
function codeOf({ oneof, localName }: DescField): string {
  return oneof ? `message.${oneof.localName}.value` : `message.${localName}`;
}

/** Whether a field is set, as protobuf-es decides it. */
function isSet(field: DescField): string {
  const { oneof, localName } = field;
  const value = `message.${localName}`;
  if (oneof) return `message.${oneof.localName}.case === ${JSON.stringify(localName)}`;
  if (field.fieldKind === "list") return `${value}.length > 0`;
  if (field.fieldKind === "map") return `Object.keys(${value}).length > 0`;
  if (field.fieldKind === "message") return `${value} !== undefined`;
  if (!isImplicit(field)) return `${value} !== undefined && Object.hasOwn(message, ${JSON.stringify(localName)})`;
  const scalar = fieldValue(field);
  if ("message" in scalar) return `${value} !== undefined`;
  if (scalar.enum) return `(${value} as number) !== ${scalar.zero}`;
  if (scalar.scalar === ScalarType.BYTES) return `${value}.length > 0`;
  if (scalar.scalar === ScalarType.DOUBLE || scalar.scalar === ScalarType.FLOAT) return `!Object.is(${value}, 0)`;
  return `${value} !== ${scalar.zero}`;
}

function ruleText(rule: readonly DescField[]): string {
  return `[${rule.map((field) => `[${stepOf(field)}]`).join(", ")}]`;
}

function stepOf(field: DescField): string {
  // google.protobuf.FieldDescriptorProto.Type.TYPE_GROUP
  const type = "delimitedEncoding" in field && field.delimitedEncoding ? 10 : field.proto.type;
  return `${JSON.stringify(field.name)}, ${field.number}, ${type}`;
}
