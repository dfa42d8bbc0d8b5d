import { execFileSync } from "node:child_process";
import { defineConfig } from "tsup";

/** Short hash of the commit that is built, for `--version`; empty outside a clone. */
function commit(): string {
  try {
    return execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8", stdio: "pipe" }).trim();
  } catch {
    return "";
  }
}

export default defineConfig({
  entry: ["src/main.ts", "src/frame.ts", "src/jobs.ts"],
  format: ["esm"],
  clean: true,
  target: "es2024",
  define: { LL_COMMIT: JSON.stringify(commit()) },
});
