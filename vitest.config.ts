import { defineConfig } from "vitest/config";

const conditions = ["nano-source", "node", "import", "module", "default"];

export default defineConfig({
  // "nano-rpc" is this very package: its sources, not what was built.
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    include: ["test/**/*.test.ts"],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    maxWorkers: 2,
  },
});
