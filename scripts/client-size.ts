// Prints what the client costs a page, and fails where it is too much, or where a browser could not load it.
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { build as bundle } from "esbuild";
import { build, type Plugin } from "vite";

const maxGzipBytes = 30_000;
const root = fileURLToPath(new URL("..", import.meta.url));

const gzipBytes = await print(
  "a page with one service",
  `import { createClient, webSocket } from "nano-rpc/client";
   import { RoomClient } from "./examples/chat/gen/chat/v1/chat_client.ts";
   globalThis.room = createClient({ transport: webSocket("ws://127.0.0.1") }).service(RoomClient);`,
);
await print(
  "the same in JSON",
  `import { createClient, webSocket } from "nano-rpc/client";
   import { json } from "nano-rpc/client/json";
   import { RoomClient } from "./examples/chat/gen/chat/v1/chat_client.ts";
   const client = createClient({ transport: webSocket("ws://127.0.0.1"), encoding: "json", serializers: [json] });
   globalThis.room = client.service(RoomClient);`,
);
if (gzipBytes > maxGzipBytes) {
  console.error(`a page with one service has over ${maxGzipBytes} bytes`);
  process.exit(1);
}

/** Bundles a page as its author would, by Vite, which decides, and by esbuild. Platform "browser" has no node:, so an import of one fails. */
async function print(what: string, contents: string): Promise<number> {
  const { outputFiles } = await bundle({
    stdin: { contents, resolveDir: root, loader: "ts" },
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    conditions: ["nano-source"],
    write: false,
    logLevel: "error",
  });
  const page = join(root, "page.ts");
  const virtual: Plugin = {
    name: "page",
    resolveId: (id) => (id === "page" ? page : undefined),
    load: (id) => (id === page ? contents : undefined),
  };
  const built = await build({
    ...{ root, configFile: false, logLevel: "error", plugins: [virtual] },
    resolve: { conditions: ["nano-source", "browser", "module", "import"] },
    build: { write: false, rollupOptions: { input: "page" } },
  });
  const [chunk] = (built as Extract<typeof built, { readonly output: unknown }>).output;
  const bytes = Buffer.from(chunk.code);
  const gzip = gzipSync(bytes).length;
  const byEsbuild = gzipSync(outputFiles[0]?.contents ?? "").length;
  console.log(
    `${what}: ${bytes.length} bytes minified, ${gzip} gzip, ${brotliCompressSync(bytes).length} brotli (${byEsbuild} gzip by esbuild)`,
  );
  return gzip;
}
