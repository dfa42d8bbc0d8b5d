// What is fuzzed: one target for each parser of bytes or text that come from outside, and one for each thing that is then done with it.

/** An input that takes more processor time is a hang: on a busy machine any takes a second of the clock. */
export const HANG_MS = 1000;

/** The module of a target exports these. */
export interface FuzzTarget {
  /** Good inputs, and bad ones worth starting from. */
  readonly seeds: readonly Uint8Array[];
  /** Words of the format. */
  readonly dictionary?: readonly (string | Uint8Array)[];
  /** Longest input that is tried. */
  readonly maxBytes?: number;
  /** What may be asked for at a time besides twice the input, if more than a parser needs. */
  readonly allowanceBytes?: number;
  /** Parses `data` and uses what comes out of it; throws what the parser throws. */
  readonly fuzz: (data: Uint8Array) => unknown;
}

/** Below `targets/`, and where the sources are whose coverage leads the search: beginnings of paths. */
interface TargetEntry {
  readonly module: string;
  readonly covers: readonly string[];
}

export const TARGETS: ReadonlyMap<string, TargetEntry> = new Map(
  Object.entries({
    ggjt: ["packages/bytes/src/", "packages/ggml-format/src/"],
    lora: ["packages/bytes/src/", "packages/ggml-format/src/"],
    gguf: [
      "packages/bytes/src/",
      "packages/gguf/src/",
      "packages/tokenizer/src/",
      "packages/llama/src/gguf-config.ts",
      "packages/model/src/gguf-tokenizer.ts",
    ],
    importance: ["packages/bytes/src/", "packages/gguf/src/", "packages/convert/src/importance.ts"],
    session: ["packages/bytes/src/", "packages/model/src/session.ts"],
    sentencepiece: ["packages/bytes/src/", "packages/tokenizer/src/"],
    zip: ["packages/bytes/src/", "packages/checkpoint/src/"],
    pickle: ["packages/checkpoint/src/pickle"],
    safetensors: ["packages/bytes/src/", "packages/checkpoint/src/"],
    llama2c: ["packages/bytes/src/", "packages/checkpoint/src/"],
    json: ["packages/bytes/src/", "packages/checkpoint/src/"],
    sums: ["apps/cli/src/commands/verify/sums-file.ts"],
    grammar: ["packages/sampling/src/grammar/"],
    "use-ggjt": [
      "packages/ggml-format/src/",
      "packages/llama/src/",
      "packages/tokenizer/src/",
      "packages/sampling/src/",
    ],
    "use-gguf": [
      "packages/gguf/src/",
      "packages/llama/src/",
      "packages/model/src/",
      "packages/tokenizer/src/",
      "packages/sampling/src/",
    ],
    "use-lora": ["packages/ggml-format/src/", "packages/model/src/", "packages/llama/src/"],
    "use-session": ["packages/model/src/", "packages/llama/src/"],
    "use-tokenizer": ["packages/tokenizer/src/"],
    "tokenizer-json": ["packages/tokenizer/src/"],
    "generation-config": [
      "packages/checkpoint/src/hf-",
      "packages/checkpoint/src/json-",
      "packages/convert/src/hf-metadata.ts",
    ],
    "hf-vocabulary": ["packages/tokenizer/src/"],
    "split-set": ["packages/bytes/src/", "packages/gguf/src/"],
    "hub-answers": ["packages/hub/src/", "packages/bytes/src/http"],
    "use-grammar": ["packages/sampling/src/grammar/"],
    "use-chat": ["apps/cli/src/commands/chat/", "packages/chat/src/conversation/", "packages/sampling/src/"],
    template: ["packages/chat/src/template/jinja/", "@huggingface/jinja/dist/"],
    "json-schema": ["packages/sampling/src/"],
  }).map(([name, covers]) => [name, { module: `${name}.ts`, covers }]),
);

/** Not a parser of the toolchain: see `self-test-parser.ts`. */
export const SELF_TEST: TargetEntry = { module: "self-test.ts", covers: ["tools/fuzz/self-test-parser.ts"] };
