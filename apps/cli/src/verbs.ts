// The programs by name. A program is loaded when it is called, so that none pays for another's start.

import type { Command } from "./command.ts";
import type { CompletedOption } from "./completion.ts";
import { allOptions } from "./program.ts";

export interface Verb {
  /** One line of `ll --help`. */
  readonly summary: string;
  load(): Promise<Command>;
  /** All options, for completion. */
  options(): Promise<readonly CompletedOption[]>;
  /** What an argument behind the first may be, besides a file. */
  words?(): Promise<readonly string[]>;
}

/** `VERB` of `ll VERB` and of `ll-VERB`. */
export const VERBS: ReadonlyMap<string, Verb> = new Map<string, Verb>([
  [
    "convert",
    {
      summary: "makes a ggjt or GGUF file of a checkpoint, or one of the other",
      load: async () => (await import("./commands/convert.ts")).convertCommand,
      options: async () => allOptions((await import("./commands/convert-arguments.ts")).CONVERT_OPTIONS),
    },
  ],
  [
    "quantize",
    {
      summary: "makes a ggjt file smaller",
      load: async () => (await import("./commands/quantize.ts")).quantizeCommand,
      options: async () => allOptions((await import("./commands/quantize-arguments.ts")).QUANTIZE_OPTIONS),
      words: async () => (await import("./commands/quantize-arguments.ts")).TYPE_NAMES,
    },
  ],
  [
    "main",
    {
      summary: "lets a model continue a prompt, as llama.cpp's main",
      load: async () => (await import("./commands/main/index.ts")).mainCommand,
      options: async () => allOptions((await import("./inference/options/index.ts")).MAIN_OPTIONS),
    },
  ],
  [
    "perplexity",
    {
      summary: "measures how well a model foretells a text",
      load: async () => (await import("./commands/perplexity/index.ts")).perplexityCommand,
      options: async () => allOptions((await import("./inference/options/index.ts")).MAIN_OPTIONS),
    },
  ],
  [
    "imatrix",
    {
      summary: "measures on a text which weights of a model matter, for ll-quantize",
      load: async () => (await import("./commands/imatrix/index.ts")).imatrixCommand,
      options: async () => allOptions((await import("./commands/imatrix/options.ts")).IMATRIX_OPTIONS),
    },
  ],
  [
    "embedding",
    {
      summary: "prints the vector of a text",
      load: async () => (await import("./commands/embedding/index.ts")).embeddingCommand,
      options: async () => allOptions((await import("./inference/options/index.ts")).MAIN_OPTIONS),
    },
  ],
  [
    "tokenize",
    {
      summary: "prints the ids of a text",
      load: async () => (await import("./commands/tokenize.ts")).tokenizeCommand,
      options: async () => allOptions((await import("./commands/tokenize.ts")).TOKENIZE_OPTIONS),
    },
  ],
  [
    "detokenize",
    {
      summary: "prints the text of ids",
      load: async () => (await import("./commands/detokenize.ts")).detokenizeCommand,
      options: async () => allOptions((await import("./commands/detokenize.ts")).DETOKENIZE_OPTIONS),
    },
  ],
  [
    "inspect",
    {
      summary: "shows what is in a model file, and the memory it takes",
      load: async () => (await import("./commands/inspect/index.ts")).inspectCommand,
      options: async () => allOptions((await import("./commands/inspect/index.ts")).INSPECT_OPTIONS),
    },
  ],
  [
    "pull",
    {
      summary: "downloads models by name, lists and removes them",
      load: async () => (await import("./commands/pull.ts")).pullCommand,
      options: async () => allOptions((await import("./commands/pull.ts")).PULL_OPTIONS),
    },
  ],
  [
    "verify",
    {
      summary: "holds files against their checksums",
      load: async () => (await import("./commands/verify/index.ts")).verifyCommand,
      options: async () => allOptions((await import("./commands/verify/index.ts")).VERIFY_OPTIONS),
    },
  ],
  [
    "system-info",
    {
      summary: "shows cores, memory and kernels of this machine",
      load: async () => (await import("./commands/system-info.ts")).systemInfoCommand,
      options: async () => allOptions((await import("./commands/system-info.ts")).SYSTEM_INFO_OPTIONS),
    },
  ],
  [
    "quantize-stats",
    {
      summary: "shows how far quantisation would move the weights",
      load: async () => (await import("./commands/quantize-stats/index.ts")).quantizeStatsCommand,
      options: async () => allOptions((await import("./commands/quantize-stats/index.ts")).QUANTIZE_STATS_OPTIONS),
      words: async () => (await import("./commands/quantize-stats/index.ts")).LOSSY_TYPES,
    },
  ],
  [
    "bench",
    {
      summary: "measures how fast a model runs here",
      load: async () => (await import("./commands/bench/index.ts")).benchCommand,
      options: async () => allOptions((await import("./commands/bench/options.ts")).BENCH_OPTIONS),
    },
  ],
  [
    "chat",
    {
      summary: "holds a conversation with a model",
      load: async () => (await import("./commands/chat/index.ts")).chatCommand,
      options: async () => allOptions((await import("./commands/chat/options.ts")).CHAT_OPTIONS),
    },
  ],
]);
