// The programs by name. A program is loaded when it is called, so that none pays for another's start.

import type { Command } from "./command.ts";

export interface Verb {
  /** One line of `ll --help`. */
  readonly summary: string;
  load(): Promise<Command>;
}

/** `VERB` of `ll VERB` and of `ll-VERB`. */
export const VERBS: ReadonlyMap<string, Verb> = new Map<string, Verb>([
  [
    "convert",
    {
      summary: "a PyTorch, safetensors or older ggml checkpoint to a ggjt file",
      load: async () => (await import("./commands/convert.ts")).convertCommand,
    },
  ],
  [
    "quantize",
    {
      summary: "a ggjt file to a smaller one",
      load: async () => (await import("./commands/quantize.ts")).quantizeCommand,
    },
  ],
  [
    "main",
    {
      summary: "text from a ggjt file and a prompt",
      load: async () => (await import("./commands/main/index.ts")).mainCommand,
    },
  ],
]);
