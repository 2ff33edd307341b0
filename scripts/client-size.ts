// Prints what the client costs a page, and fails where it is too much, or where a browser could not load it.
import { fileURLToPath } from "node:url";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { build } from "esbuild";

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

/** Bundles a page as its author would. Platform "browser" has no node:, so an import of one fails. */
async function print(what: string, contents: string): Promise<number> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: root, loader: "ts" },
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    conditions: ["nano-source"],
    write: false,
    logLevel: "error",
  });
  const bytes = outputFiles[0]?.contents ?? new Uint8Array(0);
  const gzip = gzipSync(bytes).length;
  console.log(`${what}: ${bytes.length} bytes minified, ${gzip} gzip, ${brotliCompressSync(bytes).length} brotli`);
  return gzip;
}
