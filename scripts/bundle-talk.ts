import { build } from "esbuild";

const notice = `// Holds parts of @bufbuild/protobuf (Apache-2.0 AND BSD-3-Clause), https://github.com/bufbuild/protobuf-es`;

/**
 * Puts what somebody who talks to a server waits for, nano-cli's own client and protobuf, into one file: reading two hundred takes twice as long as all
 * they do. What is only loaded when it is asked for stays as it is, and so do the errors that both throw.
 */
export async function bundleTalk(file: string): Promise<void> {
  await build({
    entryPoints: [file],
    outfile: file,
    allowOverwrite: true,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node22",
    // It has parts that it does without where they are not there.
    external: ["ws"],
    sourcemap: true,
    sourcesContent: false,
    banner: { js: notice },
    plugins: [
      {
        name: "later",
        setup({ onResolve }) {
          onResolve({ filter: /^\.\.?\// }, ({ kind, path }) =>
            kind === "dynamic-import" || path.endsWith("/command.js") ? { path, external: true } : undefined,
          );
        },
      },
    ],
  });
}
