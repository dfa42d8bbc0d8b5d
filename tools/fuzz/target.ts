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

interface TargetEntry {
  /** Below `targets/`. */
  readonly module: string;
  /** Sources whose coverage leads the search. */
  readonly covers: RegExp;
}

export const TARGETS: ReadonlyMap<string, TargetEntry> = new Map([
  ["ggjt", { module: "ggjt.ts", covers: /\/packages\/(bytes|ggml-format)\/src\// }],
  ["lora", { module: "lora.ts", covers: /\/packages\/(bytes|ggml-format)\/src\// }],
  ["gguf", { module: "gguf.ts", covers: /\/packages\/(bytes|gguf|tokenizer)\/src\/|\/gguf-(config|tokenizer)\.ts$/ }],
  [
    "importance",
    { module: "importance.ts", covers: /\/packages\/(bytes|gguf)\/src\/|\/convert\/src\/importance\.ts$/ },
  ],
  ["session", { module: "session.ts", covers: /\/packages\/bytes\/src\/|\/llama\/src\/session\.ts$/ }],
  ["sentencepiece", { module: "sentencepiece.ts", covers: /\/packages\/(bytes|tokenizer)\/src\// }],
  ["zip", { module: "zip.ts", covers: /\/packages\/(bytes|checkpoint)\/src\// }],
  ["pickle", { module: "pickle.ts", covers: /\/packages\/checkpoint\/src\/pickle/ }],
  ["safetensors", { module: "safetensors.ts", covers: /\/packages\/(bytes|checkpoint)\/src\// }],
  ["llama2c", { module: "llama2c.ts", covers: /\/packages\/(bytes|checkpoint)\/src\// }],
  ["json", { module: "json.ts", covers: /\/packages\/(bytes|checkpoint)\/src\// }],
  ["sums", { module: "sums.ts", covers: /\/commands\/verify\/sums-file\.ts$/ }],
  ["grammar", { module: "grammar.ts", covers: /\/packages\/sampling\/src\/grammar\// }],
  ["use-ggjt", { module: "use-ggjt.ts", covers: /\/packages\/(ggml-format|llama|tokenizer|sampling)\/src\// }],
  ["use-gguf", { module: "use-gguf.ts", covers: /\/packages\/(gguf|llama|model|tokenizer|sampling)\/src\// }],
  ["use-lora", { module: "use-lora.ts", covers: /\/packages\/(ggml-format|llama)\/src\// }],
  ["use-session", { module: "use-session.ts", covers: /\/packages\/llama\/src\// }],
  ["use-tokenizer", { module: "use-tokenizer.ts", covers: /\/packages\/tokenizer\/src\// }],
  ["tokenizer-json", { module: "tokenizer-json.ts", covers: /\/packages\/tokenizer\/src\// }],
  [
    "generation-config",
    {
      module: "generation-config.ts",
      covers: /\/packages\/checkpoint\/src\/(hf|json)|\/convert\/src\/hf-metadata\.ts$/,
    },
  ],
  ["hf-vocabulary", { module: "hf-vocabulary.ts", covers: /\/packages\/tokenizer\/src\// }],
  ["split-set", { module: "split-set.ts", covers: /\/packages\/(bytes|gguf)\/src\// }],
  ["hub-answers", { module: "hub-answers.ts", covers: /\/packages\/hub\/src\/|\/bytes\/src\/http/ }],
  ["use-grammar", { module: "use-grammar.ts", covers: /\/packages\/sampling\/src\/grammar\// }],
  [
    "use-chat",
    { module: "use-chat.ts", covers: /\/commands\/chat\/|\/chat\/src\/conversation\/|\/packages\/sampling\/src\// },
  ],
  ["template", { module: "template.ts", covers: /\/chat\/src\/template\/jinja\/|\/@huggingface\/jinja\/dist\// }],
  ["json-schema", { module: "json-schema.ts", covers: /\/packages\/sampling\/src\// }],
]);

/** Not a parser of the toolchain: see `self-test-parser.ts`. */
export const SELF_TEST: TargetEntry = { module: "self-test.ts", covers: /\/tools\/fuzz\/self-test-parser\.ts$/ };
