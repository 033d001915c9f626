import { defineConfig } from "vitest/config";

export default defineConfig({
  // Not by its name, which a minimal system without /etc/hosts does not know.
  server: { host: "127.0.0.1" },
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: "pure",
          environment: "node",
          include: ["tests/unit/**/*.test.ts", "tests/golden/**/*.test.ts", "tests/property/**/*.test.ts"],
          testTimeout: 30_000,
        },
      },
    ],
  },
});
