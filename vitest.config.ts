import { defineConfig } from "vitest/config";

// Tests run on the sources, loaded by Node itself: the "@ll/source" export condition resolves workspace packages to their src/ folders,
// and types are stripped. Vite's module runner would wrap every import, which makes hot loops across modules several times slower.
export default defineConfig({
  test: {
    include: ["packages/*/test/**/*.test.ts", "apps/*/test/**/*.test.ts", "tools/test/**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/*.slow.test.ts", "**/*.browser.test.ts"],
    // one for each core: by default one core is left idle, which is half of a small machine
    maxWorkers: "100%",
    // what hangs is ended, and nothing else: a machine may be twenty times as busy as usual
    testTimeout: 300_000,
    hookTimeout: 300_000,
    globalSetup: ["tools/kernel-sources.mjs"],
    setupFiles: ["tools/property-seed.ts"],
    execArgv: ["--conditions=@ll/source"],
    experimental: { viteModuleRunner: false },
  },
});
