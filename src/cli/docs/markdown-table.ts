/** A table. Its cells are Markdown, on one line. */
export function markdownTable(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  return [heads, heads.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** Words as they may stand in a cell. */
export function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll(/\s*\n\s*/g, " ");
}

/** A name, leading to the heading that is that name. */
export function link(name: string): string {
  return `[${name}](#${name.toLowerCase().replaceAll(/[^\w-]/g, "")})`;
}
