import type { SizeChange } from "./compare-sizes.ts";
import type { Sizes } from "./documentation.ts";
import { markdownTable } from "./markdown-table.ts";
import { worstWords } from "./worst-words.ts";

/** What has changed, as a table in Markdown: before, and after. */
export function sizesTable(changes: readonly SizeChange[]): string {
  const rows = changes.map(({ message, before, after }) => [
    message,
    ...(["typical", "typicalJson", "worst"] as const).map((size) => changed(textOf(before, size), textOf(after, size))),
  ]);
  return markdownTable(["message", "typical", "typical JSON", "worst case"], rows);
}

function textOf(sizes: Sizes | undefined, size: keyof Sizes): string {
  return sizes === undefined ? "none" : worstWords(sizes[size]);
}

function changed(before: string, after: string): string {
  return before === after ? after : `${before} → ${after}`;
}
