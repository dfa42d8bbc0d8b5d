import { defineConfig } from "vitest/config";

// Tests run on the sources: the "@ll/source" export condition resolves workspace packages to their src/ folders.
export default defineConfig({
  resolve: { conditions: ["@ll/source"] },
  ssr: { resolve: { conditions: ["@ll/source"] } },
  test: {
    include: ["packages/*/test/**/*.test.ts", "apps/*/test/**/*.test.ts", "tools/test/**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/*.slow.test.ts", "**/*.browser.test.ts"],
    testTimeout: 60_000,
  },
});
