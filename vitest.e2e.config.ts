import { defineConfig } from "vitest/config";

// The real executable with real monitors and a real containerd: one file after the other, as root.
export default defineConfig({
  // Not by its name, which a minimal system without /etc/hosts does not know.
  server: { host: "127.0.0.1" },
  test: {
    include: ["tests/e2e/**/*.test.ts", "tests/attack/**/*.test.ts"],
    globalSetup: ["tests/lib/setup.ts"],
    setupFiles: ["tests/lib/hygiene.ts"],
    pool: "forks",
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    teardownTimeout: 10_000,
  },
});
