import { defineConfig, mergeConfig } from "vitest/config";
import base from "./vitest.config.ts";

// The long matrix: every golden case in every kernel tier and thread count, exhaustive bad inputs. One file after the other: some measure
// memory and processor time, and most use all cores by themselves.
const limits = { testTimeout: 1_200_000, hookTimeout: 1_200_000, maxWorkers: 1 };
const config = mergeConfig(base, defineConfig({ test: limits }));
config.test.include = [
  "packages/*/test/**/*.slow.test.ts",
  "apps/*/test/**/*.slow.test.ts",
  "tools/test/**/*.slow.test.ts",
];
config.test.exclude = ["**/node_modules/**"];
export default config;
