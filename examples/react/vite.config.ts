import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

export default defineConfig({
  root: fileURLToPath(new URL(".", import.meta.url)),
  // Only here, where "nano-rpc" is this repository: its sources, not what was built.
  resolve: { conditions: ["nano-source", "browser", "module", "import", "default"] },
  build: { target: "es2022" },
});
