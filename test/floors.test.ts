import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

/** The rooms of src/, lowest floor first: a folder imports from lower floors only, never from a peer, and through its index. */
const floors: readonly (readonly string[])[] = [
  ["error", "clock"],
  ["logger", "metrics", "contract", "packet", "net", "compression", "text", "tracing", "rules"],
  ["message", "codec", "serializer", "handshake", "route", "discovery", "acceptor", "reporter", "validation"],
  ["session", "link"],
  ["group", "user", "router", "plain"],
  ["context"],
  ["pipeline", "module"],
  ["handler", "remote", "reflection"],
  ["frontend", "backend", "client"],
  ["server", "dial"],
  ["cli", "bot"],
  ["testing", "fuzz"],
];

const src = fileURLToPath(new URL("../src", import.meta.url));
const floorOf = new Map(floors.flatMap((folders, floor) => folders.map((folder) => [folder, floor] as const)));

interface Import {
  readonly from: string;
  readonly to: string;
}

const sources = readdirSync(src, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts"))
  .map((name) => ({ name, text: readFileSync(join(src, name), "utf8") }));

const imports: Import[] = sources.flatMap(({ name, text }) =>
  [...text.matchAll(/(?:from|import\()\s*"(\.[^"]+)"/g)].map(([, path = ""]) => ({
    from: name,
    to: relative(src, join(src, dirname(name), path)),
  })),
);

const folderOf = (name: string): string => (name.includes("/") ? name.slice(0, name.indexOf("/")) : "");
const crossing = imports.filter(({ from, to }) => !to.startsWith("..") && folderOf(from) !== folderOf(to));

describe("the floors of src/", () => {
  test("every folder stands on one", () => {
    const folders = readdirSync(src, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
    expect(folders.sort()).toEqual([...floorOf.keys()].sort());
    expect(imports.length).toBeGreaterThan(100);
  });

  test("a folder imports from lower floors only", () => {
    const wrong = crossing.filter(({ from, to }) => {
      const [own, other] = [folderOf(from), folderOf(to)];
      return own !== "" && (floorOf.get(other) ?? Number.POSITIVE_INFINITY) >= (floorOf.get(own) ?? -1);
    });
    expect(wrong).toEqual([]);
  });

  test("other folders are entered by their index", () => {
    // The client has more doors than one: package.json exports them.
    const doors = new Set(["client/codegen.ts", "client/tcp.ts"]);
    expect(crossing.filter(({ to }) => to.includes("/") && !to.endsWith("/index.ts") && !doors.has(to))).toEqual([]);
  });

  test("the client stands on what browsers have", () => {
    const low = new Set(["error", "clock", "contract", "packet", "message", "serializer", "handshake", "text", "validation"]);
    // Whoever imports them means it.
    const own = new Set(["client/tcp.ts", "client/tracing.ts"]);
    const outside = crossing.filter(({ from, to }) => folderOf(from) === "client" && !own.has(from) && !low.has(folderOf(to)));
    expect(outside).toEqual([]);
  });

  test("time, chance and the environment come from those who may ask for them", () => {
    const outside = sources.filter(({ name }) => folderOf(name) !== "clock");
    const asks = /\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bAbortSignal\.timeout\b|\brandomUUID\b|\brandomBytes\b/;
    expect(outside.filter(({ text }) => asks.test(text)).map(({ name }) => name)).toEqual([]);
    const configured = sources.filter(({ name }) => !/^server\/(settings|process)\//.test(name));
    expect(configured.filter(({ text }) => /\bprocess\.env\b/.test(text)).map(({ name }) => name)).toEqual([]);
  });
});
