import { readFileSync } from "node:fs";

/** Rows of data that are dealt out to users. */
export interface Feed<Row> {
  readonly rows: readonly Row[];
  /** The row of a bot: by its index, so that no two have the same one, in several processes either; after the last comes the first. */
  of(bot: { readonly index: number }): Row;
}

/**
 * Deals out a list, or the rows of a file: `*.json`, a list of objects; or CSV (RFC 4180), whose first line names the columns.
 *
 * @throws TypeError Where there is no row, or the file is none of these.
 */
export function feed(file: string): Feed<Readonly<Record<string, string>>>;
export function feed<Row>(rows: readonly Row[]): Feed<Row>;
export function feed(from: string | readonly unknown[]): Feed<unknown> {
  const rows = typeof from === "string" ? read(from) : from;
  if (rows.length === 0) throw new TypeError(`${typeof from === "string" ? from : "the feed"} has no rows`);
  return { rows, of: ({ index }) => rows[index % rows.length] };
}

function read(file: string): readonly unknown[] {
  const text = readFileSync(file, "utf8").replace(/^\uFEFF/, "");
  if (!file.endsWith(".json")) return readCsv(file, text);
  const rows: unknown = JSON.parse(text);
  if (!Array.isArray(rows)) throw new TypeError(`${file} is no list`);
  return rows;
}

function readCsv(file: string, text: string): readonly Readonly<Record<string, string>>[] {
  const lines: string[][] = [[]];
  for (const [, quoted, plain = "", end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/g)) {
    const line = lines.at(-1);
    line?.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end !== ",") lines.push([]);
  }
  const [names = [], ...rows] = lines.filter((line) => line.length > 1 || (line[0] ?? "") !== "");
  return rows.map((row, at) => {
    if (row.length !== names.length) throw new TypeError(`${file}: row ${at + 1} has ${row.length} columns, not ${names.length}`);
    return Object.fromEntries(names.map((name, column) => [name, row[column] ?? ""]));
  });
}
