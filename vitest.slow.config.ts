import { defineConfig, mergeConfig } from "vitest/config";
import base from "./vitest.config.ts";

// The long matrix: every golden case in every kernel tier and thread count, exhaustive bad inputs.
const config = mergeConfig(base, defineConfig({ test: { testTimeout: 1_200_000, hookTimeout: 1_200_000 } }));
config.test.include = [
  "packages/*/test/**/*.slow.test.ts",
  "apps/*/test/**/*.slow.test.ts",
  "tools/test/**/*.slow.test.ts",
];
config.test.exclude = ["**/node_modules/**"];
export default config;
