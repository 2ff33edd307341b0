import { create, createRegistry, type DescFile, type DescMessage } from "@bufbuild/protobuf";
import { createValidator, type Validator } from "@bufbuild/protovalidate";
import { MethodSchema, method as methodOption } from "../gen/nano/options_pb.ts";
import type { ServiceModel } from "./model.ts";
import { position } from "./position.ts";
import type { Report } from "./report.ts";
import type { RuleModel } from "./rule-model.ts";

/** Checks that the validation rules of what methods take can be worked out, and that a method asks for a check only where there are any. */
export function checkRules(services: readonly ServiceModel[], rules: RuleModel, report: Report): void {
  const validators = new Map<DescFile, Validator>();
  const seen = new Set<DescMessage>();
  for (const { methods } of services) {
    for (const { desc, kind, own, policy } of methods) {
      if (kind === "push") continue;
      const { input } = desc;
      if (!rules.hasRules(input)) {
        if (own?.validate === true) {
          const at = position(desc, methodOption.number, MethodSchema.field.validate.number);
          report(at, `${input.name} has no rules to validate it by: give its fields some, or leave validate out`);
        }
        continue;
      }
      if (policy.validate === false || seen.has(input)) continue;
      seen.add(input);
      // Servers see the file and what it imports, and no more.
      const validator = validators.get(input.file) ?? createValidator({ registry: createRegistry(...withImports(input.file)) });
      validators.set(input.file, validator);
      const { error } = validator.validate(input, create(input));
      if (error?.name === "CompilationError")
        report(position(desc), `the rules of ${input.name} make no sense: ${error.message}`);
    }
  }
}

function withImports(file: DescFile, found: Set<DescFile> = new Set()): Set<DescFile> {
  found.add(file);
  for (const dependency of file.dependencies) if (!found.has(dependency)) withImports(dependency, found);
  return found;
}
