import type { GeneratedFile } from "@bufbuild/protoplugin";
import type { MethodModel } from "./model.ts";

/** Prints an interface with a member for each method, a blank line between them. */
export function printInterface(
  f: GeneratedFile,
  name: string,
  comment: string,
  methods: readonly MethodModel[],
  printMember: (method: MethodModel) => void,
): void {
  f.print(f.jsDoc(comment));
  if (methods.length === 0) {
    f.print`${f.export("interface", name)} {}`;
    return f.print();
  }
  f.print`${f.export("interface", name)} {`;
  for (const [at, method] of methods.entries()) {
    if (at > 0) f.print();
    printMember(method);
  }
  f.print("}");
  f.print();
}

/** The name of a method in an interface, where `new(...)` would be a constructor. */
export function memberName({ desc }: MethodModel): string {
  return desc.localName === "new" ? '"new"' : desc.localName;
}
