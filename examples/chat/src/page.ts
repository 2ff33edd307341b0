import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

/** Where the page is served, and what ends it. */
export interface Page {
  readonly port: number;
  close(): Promise<void>;
}

/** Serves the chat's page, bundled once, with the port of the WebSocket that it is to use. */
export async function servePage(options: { readonly port: number; readonly webSocketPort: number }): Promise<Page> {
  const web = fileURLToPath(new URL("../web", import.meta.url));
  const bundle = await build({
    entryPoints: [`${web}/index.html`, `${web}/chat.ts`, `${web}/chat.css`],
    loader: { ".html": "copy" },
    bundle: true,
    minify: true,
    format: "esm",
    conditions: ["nano-source"],
    outdir: "/",
    write: false,
  });
  const files = new Map(bundle.outputFiles.map((file) => [file.path.replaceAll("\\", "/"), file.contents]));
  files.set("/", files.get("/index.html") ?? new Uint8Array(0));
  const server = createServer(({ url = "/" }, response) => {
    const path = url.split("?")[0] ?? "/";
    if (path === "/config.json") {
      response.setHeader("content-type", "application/json").end(JSON.stringify({ webSocketPort: options.webSocketPort }));
      return;
    }
    const contents = files.get(path);
    if (!contents) {
      response.writeHead(404).end();
      return;
    }
    response.setHeader("content-type", contentType(path)).end(contents);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(options.port, "127.0.0.1", resolve);
  });
  const address = server.address();
  return {
    port: typeof address === "object" && address ? address.port : options.port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function contentType(path: string): string {
  if (path.endsWith(".js")) return "text/javascript; charset=utf-8";
  return path.endsWith(".css") ? "text/css; charset=utf-8" : "text/html; charset=utf-8";
}
