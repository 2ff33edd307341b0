import { fileURLToPath } from "node:url";
import { build } from "esbuild";

/**
 * Bundles the plugin into one file that needs nothing beside it. protoplugin can transpile to JavaScript and brings a whole TypeScript
 * for that; nano prints TypeScript only, so that part is left out.
 */
export async function buildPlugin(outFile: string): Promise<void> {
  await build({
    entryPoints: [fileURLToPath(new URL("protoc-gen-nano.ts", import.meta.url))],
    outfile: outFile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node22",
    plugins: [
      {
        name: "no-typescript",
        setup({ onResolve, onLoad }) {
          onResolve({ filter: /^(typescript|@typescript\/vfs)$/ }, ({ path }) => ({ path, namespace: "left-out" }));
          onLoad({ filter: /.*/, namespace: "left-out" }, () => ({ contents: "module.exports = {};", loader: "js" }));
        },
      },
    ],
  });
}
