import { defineConfig } from "vitest/config";

// Vitest hands these to Node as well: with "import" among them, CommonJS packages would be given ES modules.
const conditions = ["nano-source", "node"];

export default defineConfig({
  // "nano-rpc" is this very package: its sources, not what was built.
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    include: ["test/**/*.test.ts"],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    maxWorkers: 2,
    // Real processes on a busy machine: once more, and the report names it (scripts/second-tries.ts). What chance has found by its seed is not tried again.
    retry: { count: 1, condition: /^(?!Property failed)/ },
  },
});
