import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    projects: [
      {
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
