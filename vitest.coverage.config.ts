import { defineConfig, mergeConfig } from "vitest/config";
import base from "./vitest.config.ts";

// Branch coverage of all that reads hostile bytes. Modules go through Vite here, which counts branches of the sources as they are written.
const config = mergeConfig(
  base,
  defineConfig({
    resolve: { conditions: ["@ll/source"] },
    ssr: { resolve: { conditions: ["@ll/source"] } },
    test: {
      experimental: { viteModuleRunner: true },
      coverage: {
        provider: "v8",
        reporter: ["text"],
        reportOnFailure: true,
        include: [
          "packages/bytes/src/{bounded-reader,budget,byte-source,http-source}.ts",
          "packages/{ggml-format,gguf,checkpoint}/src/*.ts",
          "packages/tokenizer/src/{ggml-vocab,gguf-vocab,model-proto,model-rules,protobuf-wire,sentencepiece-model,sentencepiece-table}.ts",
          "packages/sampling/src/grammar/{parser,grammar-text,grammar,utf8}.ts",
          "packages/llama/src/session.ts",
        ],
        thresholds: { branches: 95 },
      },
    },
  }),
);
config.test.include = [
  "packages/{bytes,ggml-format,gguf,checkpoint,tokenizer}/test/**/*.test.ts",
  "packages/sampling/test/grammar/*.test.ts",
  "packages/llama/test/session.test.ts",
];
config.test.exclude = ["**/node_modules/**", "**/*.slow.test.ts"];
export default config;
