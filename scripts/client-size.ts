// Prints what the client costs a page, and fails where a browser could not load it.
import { fileURLToPath } from "node:url";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { type BuildOptions, build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const entries = [
  { name: "nano-rpc/client alone", contents: 'export * from "nano-rpc/client";' },
  {
    name: "with the chat's generated client and protobuf",
    contents: 'export * from "nano-rpc/client"; export * from "./examples/chat/gen/chat/v1/chat_client.ts";',
  },
];

const options: BuildOptions = {
  bundle: true,
  minify: true,
  format: "esm",
  platform: "browser",
  conditions: ["nano-source"],
  write: false,
  logLevel: "error",
};

for (const { name, contents } of entries) {
  // Platform "browser" has no node:, so an import of one fails the build.
  const { outputFiles } = await build({ ...options, stdin: { contents, resolveDir: root, loader: "ts" } });
  const bytes = outputFiles?.[0]?.contents ?? new Uint8Array(0);
  console.log(
    `${name}: ${kib(bytes.length)} minified, ${kib(gzipSync(bytes).length)} gzip, ${kib(brotliCompressSync(bytes).length)} brotli`,
  );
}

function kib(bytes: number): string {
  return `${(bytes / 1024).toFixed(1)} KiB`;
}
