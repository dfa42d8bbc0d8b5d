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
          "packages/bytes/src/{bounded-reader,budget,byte-source,file-source,http-source}.ts",
          "packages/{ggml-format,gguf,checkpoint}/src/*.ts",
          "packages/tokenizer/src/{ggml-vocab,gguf-vocab,model-proto,model-rules,protobuf-wire,sentencepiece-model,sentencepiece-table}.ts",
          "packages/sampling/src/{grammar,json-schema}/*.ts",
          "packages/{llama/src/gguf-config,model/src/session}.ts",
          "packages/convert/src/vocab-file.ts",
          "apps/cli/src/configuration.ts",
          "apps/cli/src/commands/peft-adapter.ts",
          "apps/cli/src/commands/verify/sums-file.ts",
          "apps/cli/src/commands/chat/{history-file,saved-chat,small-file,template}.ts",
        ],
        thresholds: { branches: 95, perFile: true },
      },
    },
  }),
);
config.test.include = [
  "packages/{bytes,ggml-format,gguf,checkpoint,tokenizer,convert}/test/**/*.test.ts",
  "packages/sampling/test/{grammar,json-schema}/*.test.ts",
  "packages/{llama/test/gguf-config,model/test/session}.test.ts",
  "apps/cli/test/{configuration,commands/verify,commands/convert-lora,commands/chat/{template,history-file,chat},trust/small-text-files}.test.ts",
];
config.test.exclude = ["**/node_modules/**", "**/*.slow.test.ts"];
export default config;
