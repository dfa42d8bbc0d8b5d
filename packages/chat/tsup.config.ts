import { defineConfig } from "tsup";

export default defineConfig({
  entry: ["src/index.ts", "src/conversation.ts", "src/formats.ts", "src/jinja.ts", "src/node.ts", "src/templates.ts"],
  format: ["esm"],
  dts: true,
  clean: true,
  target: "es2024",
});
